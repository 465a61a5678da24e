import asyncio
import importlib.util
import subprocess
import sys
from decimal import Decimal
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from stretto.core.errors import UsageError
from stretto.core.messages import FREE, Rates
from stretto.models.provider import ProviderModel
from stretto.models.resolve import resolve
from stretto.testing.conformance import asked

KEYS = {"OPENAI_API_KEY": "sk-openai", "ANTHROPIC_API_KEY": "sk-anthropic"}


def endpoint(name: str, environment: dict[str, str]) -> tuple[str, str, str]:
    model = resolve(name, environment)
    assert isinstance(model, ProviderModel)
    return model.endpoint.vendor.name, model.endpoint.base, model.endpoint.key


def test_a_model_keeps_the_name_it_was_called_by() -> None:
    assert resolve("openai:gpt-5-mini", KEYS).name == "openai:gpt-5-mini"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("opnai:gpt-5", r"'opnai:gpt-5' has no provider.*did you mean 'openai'\?"),
        ("gpt-5", r"called PROVIDER:MODEL.*openai.*anthropic.*ollama.*test"),
        ("", "PROVIDER:MODEL"),
        ("openai:", "names no model; write openai:MODEL"),
        ("openai:@http://localhost/v1", "names no model"),
    ],
)
def test_a_wrong_name_is_explained(name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        resolve(name, KEYS)


def test_a_missing_key_names_the_variable_and_the_ways_out() -> None:
    with pytest.raises(UsageError) as caught:
        resolve("anthropic:claude-sonnet-4-6", {"OPENAI_API_KEY": "sk-openai"})
    for way in ("set ANTHROPIC_API_KEY", "--model none", "ollama:", "test:"):
        assert way in str(caught.value)


@pytest.mark.parametrize(
    ("name", "key"), [("google:gemini-2.5-pro", "GOOGLE_API_KEY"), ("openai:gpt-5", "OPENAI_API_KEY")]
)
def test_a_missing_extra_is_named_with_the_command(name: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_found(module: str) -> ModuleSpec | None:
        if "." in module:
            raise ModuleNotFoundError(module)
        return None

    monkeypatch.setattr("stretto.models.resolve.find_spec", nothing_found)
    with pytest.raises(UsageError, match=rf"pip install 'stretto\[{name.partition(':')[0]}\]'"):
        resolve(name, {key: "sk-key"})


@pytest.mark.capability(122)
def test_a_local_server_needs_no_key_and_costs_nothing() -> None:
    for base in ("http://localhost:8000/v1", "http://127.0.0.1:1/v1", "http://[::1]:8000/v1"):
        assert endpoint("openai:qwen3", {"OPENAI_BASE_URL": base}) == ("openai-chat", base, "none")
        assert resolve("openai:qwen3", {"OPENAI_BASE_URL": base}).rates == FREE
    assert resolve("ollama:llama3.3", {}).rates == FREE


def test_a_server_elsewhere_needs_a_key_and_has_no_known_price() -> None:
    elsewhere = {"OPENAI_BASE_URL": "https://models.example.com/v1/"}
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        resolve("openai:gpt-5-mini", elsewhere)
    assert endpoint("openai:gpt-5-mini", KEYS | elsewhere) == (
        "openai-chat",
        "https://models.example.com/v1",
        "sk-openai",
    )
    assert resolve("openai:gpt-5-mini", KEYS | elsewhere).rates is None


def test_a_server_named_in_the_model_is_never_sent_the_key() -> None:
    """A flow file may name a server, and must not be able to send it somebody's key."""
    assert endpoint("openai:qwen3@https://models.example.com/v1", KEYS) == (
        "openai-chat",
        "https://models.example.com/v1",
        "none",
    )


def test_openai_itself_is_asked_by_its_newer_interface() -> None:
    assert endpoint("openai:gpt-5-mini", KEYS) == ("openai", "https://api.openai.com/v1", "sk-openai")
    assert endpoint("openai:gpt-5-mini", KEYS | {"OPENAI_BASE_URL": "https://api.openai.com/v1/"})[0] == "openai"
    assert endpoint("openai-chat:gpt-5-mini", KEYS)[0] == "openai-chat"


def test_the_users_prices_come_first() -> None:
    mine = {"openai:gpt-5-mini": Rates(Decimal(1), Decimal(2)), "ollama:llama3.3": Rates(Decimal(3), Decimal(4))}
    assert resolve("openai:gpt-5-mini", KEYS, mine).rates == mine["openai:gpt-5-mini"]
    assert resolve("ollama:llama3.3", {}, mine).rates == mine["ollama:llama3.3"]


def test_the_test_model_echoes_or_follows_a_file(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"say": "scripted"}]')
    for name, words in (("test:", "Hi"), (f"test:{script}", "scripted")):
        model = resolve(name, {})
        assert (model.name, model.rates) == (name, FREE)
        assert asyncio.run(model.reply(asked("Hi"))).message.text == words


def test_naming_a_model_imports_no_provider() -> None:
    program = (
        "import sys; from stretto.models.resolve import resolve;"
        "resolve('openai:gpt-5-mini', {'OPENAI_API_KEY': 'k'});"
        "print([name for name in ('pydantic_ai', 'openai', 'anthropic') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
    assert importlib.util.find_spec("pydantic_ai"), "otherwise the test shows nothing"
