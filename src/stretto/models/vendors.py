"""The providers: how each is called, where its key stands, and which driver of the models layer speaks to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Vendor:
    """One provider. `model` and `provider` are `module:class` in the models layer, `pricing` its name in the prices.

    `media` are the types of files that it can be shown, or what they begin with; whether a model of it can is up to it.
    `fetches` are those that it fetches itself where it is given a URL.
    """

    name: str
    keys: tuple[str, ...]
    base_variable: str
    base: str
    extra: str
    sdk: str
    model: str
    provider: str
    pricing: str
    media: tuple[str, ...] = ()
    fetches: tuple[str, ...] = ()

    def refuses(self, media_type: str, url: str) -> str:
        """Why a file cannot be shown to it; "" where it can. Nothing is fetched here on its behalf."""
        if not _among(media_type, self.media):
            return f"{self.name} takes no {media_type}, only {', '.join(self.media)}"
        if url.startswith("http") and not _among(media_type, self.fetches):
            return f"{self.name} takes {media_type} by its content, not by a URL; give File(path) or its bytes"
        return ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one provider: where it is and the key that opens it."""

    vendor: Vendor
    model: str
    base: str
    key: str = field(repr=False)

    @property
    def local(self) -> bool:
        """Whether it runs on this machine, so that no key is needed and nothing is billed."""
        return is_loopback(self.base)


_CHAT = "pydantic_ai.models.openai:OpenAIChatModel"
_RESPONSES = "pydantic_ai.models.openai:OpenAIResponsesModel"
_OPENAI = "pydantic_ai.providers.openai:OpenAIProvider"
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_PDF = "application/pdf"


def _openai(name: str, model: str) -> Vendor:
    return Vendor(
        name,
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
        "https://api.openai.com/v1",
        "openai",
        "openai",
        model,
        _OPENAI,
        "openai",
        (*_IMAGES, _PDF, *(("audio/wav", "audio/mpeg") if model == _CHAT else ())),
        (*_IMAGES, *(() if model == _CHAT else (_PDF,))),
    )


CHAT = _openai("openai-chat", _CHAT)
"""OpenAI Chat Completions, the dialect that other servers speak too; `openai:` at any other host means this one."""

VENDORS = {
    vendor.name: vendor
    for vendor in (
        _openai("openai", _RESPONSES),
        CHAT,
        _openai("openai-responses", _RESPONSES),
        Vendor(
            "anthropic",
            ("ANTHROPIC_API_KEY",),
            "ANTHROPIC_BASE_URL",
            "https://api.anthropic.com",
            "anthropic",
            "anthropic",
            "pydantic_ai.models.anthropic:AnthropicModel",
            "pydantic_ai.providers.anthropic:AnthropicProvider",
            "anthropic",
            (*_IMAGES, _PDF),
            (*_IMAGES, _PDF),
        ),
        Vendor(
            "google",
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            "GOOGLE_BASE_URL",
            "https://generativelanguage.googleapis.com",
            "google",
            "google.genai",
            "pydantic_ai.models.google:GoogleModel",
            "pydantic_ai.providers.google:GoogleProvider",
            "google",
            ("image/", "audio/", "video/", _PDF),
        ),
        Vendor(
            "groq",
            ("GROQ_API_KEY",),
            "GROQ_BASE_URL",
            "https://api.groq.com",
            "groq",
            "groq",
            "pydantic_ai.models.groq:GroqModel",
            "pydantic_ai.providers.groq:GroqProvider",
            "groq",
            _IMAGES,
            _IMAGES,
        ),
        Vendor(
            "mistral",
            ("MISTRAL_API_KEY",),
            "MISTRAL_BASE_URL",
            "https://api.mistral.ai",
            "mistral",
            "mistralai",
            "pydantic_ai.models.mistral:MistralModel",
            "pydantic_ai.providers.mistral:MistralProvider",
            "mistral",
            (*_IMAGES, _PDF),
            (*_IMAGES, _PDF),
        ),
        Vendor(
            "ollama",
            ("OLLAMA_API_KEY",),
            "OLLAMA_BASE_URL",
            "http://localhost:11434/v1",
            "openai",
            "openai",
            "pydantic_ai.models.ollama:OllamaModel",
            "pydantic_ai.providers.ollama:OllamaProvider",
            "",
            _IMAGES,
        ),
    )
}


def _among(media_type: str, known: tuple[str, ...]) -> bool:
    return any(media_type.startswith(one) or media_type == f"{one.split('/')[0]}/*" for one in known)


def is_loopback(base: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
