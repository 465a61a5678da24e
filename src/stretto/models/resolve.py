"""From a name to a model: `provider:model`, its key from the environment, nothing ever replaced silently."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from stretto.core.blobs import Blob
from stretto.core.errors import UsageError
from stretto.core.messages import Rates
from stretto.core.ports import Model
from stretto.models.echo import echo
from stretto.models.prices import listed_window, rates
from stretto.models.provider import ProviderModel
from stretto.models.script import read_script
from stretto.models.scripted import ScriptedModel
from stretto.models.vendors import CHAT, VENDORS, Endpoint, Vendor, is_loopback

_NO_KEY = "none"
_NO_PRICES: Mapping[str, Rates] = MappingProxyType({})

WINDOW = 128_000
"""Tokens assumed to fit into a request where no list says how many."""

MAX_OUTPUT = 8_192
"""Tokens a model may answer with where a request sets no `max_tokens`; what a budget reserves for each call."""


def meant(name: str, aliases: Mapping[str, str]) -> str:
    """The `provider:model` that an alias like "strong" stands for; every other name is itself.

    Raises `UsageError` for a name that is neither, and for an alias of an alias.
    """
    if ":" in name or name in ("", "none"):
        return name
    found = aliases.get(name, "")
    if ":" in found:
        return found
    if found:
        raise UsageError(f"the model alias {name!r} stands for {found!r}, which is no PROVIDER:MODEL")
    near = get_close_matches(name, aliases, 1) or _likely(name)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(
        f"the model {name!r} is no alias; {guess}the aliases are {', '.join(aliases) or 'none'} (they stand in [models] of "
        f"stretto.toml, App(models=...) or STRETTO_MODEL_NAME); else a model is called PROVIDER:MODEL, and the providers "
        f"are {', '.join([*VENDORS, 'test'])}"
    )


def refuse_unknown(name: str, aliases: Mapping[str, str]) -> None:
    """Refuse a name that can be no model's, whatever keys there are: a `UsageError`."""
    name = meant(name, aliases)
    provider = name.partition(":")[0]
    if name not in ("", "none") and provider not in (*VENDORS, "test", "replay"):
        raise UsageError(_unknown(name, provider))


_MAKERS = {"gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude": "anthropic", "gemini": "google"}


def _likely(name: str) -> list[str]:
    """What is meant by `openai/gpt-5`, or by `gpt-5` alone."""
    maker, slash, model = name.partition("/")
    if slash and maker in VENDORS:
        return [f"{maker}:{model}"]
    return [f"{maker}:{name}" for start, maker in _MAKERS.items() if name.startswith(start)]


def resolve(
    name: str, environment: Mapping[str, str], prices: Mapping[str, Rates] = _NO_PRICES, *, blobs: Blob | None = None
) -> Model:
    """The model of that name.

    `provider:model` for the providers in `VENDORS`; `openai:model@http://host/v1` for a server without a key that
    speaks OpenAI's Chat Completions (for one with a key: `OPENAI_BASE_URL`); `test:` answers with the least that is
    valid, `test:path.json` from a script.

    `environment` holds the keys and base URLs by their usual names (`OPENAI_API_KEY`, `OPENAI_BASE_URL`), `prices` the
    user's own rates by model name, and `blobs` gives the bytes of a stored image or document by its digest.

    Raises `UsageError` for a name without provider or model, an unknown provider, a missing key or a missing extra.
    """
    provider, separator, rest = name.partition(":")
    if provider == "test" and separator:
        return ScriptedModel(read_script(Path(rest)) if rest else echo, name=name)
    vendor = VENDORS.get(provider)
    if not separator or vendor is None:
        raise UsageError(_unknown(name, provider))
    endpoint = _endpoint(name, vendor, rest, environment)
    _require_extra(name, endpoint.vendor)
    window = listed_window(endpoint) or WINDOW
    return ProviderModel(
        name,
        endpoint,
        rates=rates(name, endpoint, prices),
        window=window,
        max_output=min(MAX_OUTPUT, window // 4),
        blobs=blobs,
    )


def _endpoint(name: str, vendor: Vendor, rest: str, environment: Mapping[str, str]) -> Endpoint:
    model, base = _split_base(rest)
    if not model:
        raise UsageError(f"the model {name!r} names no model; write {vendor.name}:MODEL, such as the provider lists it")
    if base:  # the key goes only where the environment says, not where a flow file says
        return Endpoint(_spoken_at(base, vendor), model, base, _NO_KEY)
    base = (environment.get(vendor.base_variable) or vendor.base).rstrip("/")
    key = next((environment[variable] for variable in vendor.keys if environment.get(variable)), "")
    if not key and not is_loopback(base):
        raise UsageError(_keyless(name, vendor))
    return Endpoint(_spoken_at(base, vendor), model, base, key or _NO_KEY)


def _spoken_at(base: str, vendor: Vendor) -> Vendor:
    """The vendor whose dialect is spoken there: other servers have only OpenAI's older one."""
    return CHAT if vendor.name == "openai" and base != vendor.base else vendor


def _split_base(rest: str) -> tuple[str, str]:
    model, at, base = rest.partition("@http")
    return model, f"http{base}".rstrip("/") if at else ""


def _require_extra(name: str, vendor: Vendor) -> None:
    if not (_installed("pydantic_ai") and _installed(vendor.sdk)):
        raise UsageError(
            f"the model {name!r} needs an extra that is not installed; "
            f"install it: pip install 'stretto[{vendor.extra}]'"
        )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _unknown(name: str, provider: str) -> str:
    known = [*VENDORS, "test"]
    near = get_close_matches(provider, known, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"the model {name!r} has no provider that stretto knows; {guess}"
        f"a model is called PROVIDER:MODEL, and the providers are {', '.join(known)}"
    )


def _keyless(name: str, vendor: Vendor) -> str:
    return (
        f"the model {name!r} needs a key: set {' or '.join(vendor.keys)}. Without one: --model none (rule-based "
        f"workers where the template has them), --model ollama:MODEL (a local server), or --model test: (a script)"
    )
