"""What every test lives under: no network but loopback, no key or setting of whoever runs it, known search depths."""

import os
import re
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("everyday", deadline=None, print_blob=True, suppress_health_check=_SLOW)
settings.register_profile("torture", settings.get_profile("everyday"), max_examples=5_000)
settings.load_profile("everyday")

_LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.|localhost$|0\.0\.0\.0$|::$|$")
_PERSONAL = re.compile(r"STRETTO_|.*_(API_KEY|BASE_URL|PROXY)$", re.IGNORECASE)


def _only_loopback(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        where = str(args[1][0])
    elif event == "socket.getaddrinfo":
        where = args[0].decode() if isinstance(args[0], bytes) else args[0] or ""
    else:
        return
    if not _LOOPBACK.match(where):
        raise RuntimeError(f"a test reaches for {where}; tests use no network but loopback")


sys.addaudithook(_only_loopback)


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, endpoints and settings of the person who runs the tests stay out of them."""
    for name in filter(_PERSONAL.match, list(os.environ)):
        monkeypatch.delenv(name)
