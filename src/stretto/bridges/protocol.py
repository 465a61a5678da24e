"""The A2A protocol over JSON-RPC, in its versions 1.0 and 0.3; see https://a2a-protocol.org."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
from typing_extensions import TypedDict

from stretto.core.errors import NotDone, StepError
from stretto.core.text import as_text

CARD = ".well-known/agent-card.json"
_METHODS = {
    "0.3": {"SendMessage": "message/send", "GetTask": "tasks/get", "CancelTask": "tasks/cancel"},
    "1.0": {},
}
_REFUSED = {-32700, -32600, -32601, -32602, *range(-32009, -32000)}
"""Errors that say that a request was not taken."""
LIMIT = 60.0
"""Seconds that one HTTP request may take."""


class Heard(TypedDict):
    """What a peer says of a task: `state` in the words of the protocol, like "input-required"; what it asks; its result."""

    task: str
    context: str
    state: str
    said: str
    result: object


@dataclass(frozen=True, slots=True)
class Interface:
    """Where a peer is spoken to, and in which version."""

    url: str
    version: str


class Client:
    """A peer at a URL."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str]) -> None:
        self.name, self.url, self._headers = name, url.rstrip("/") + "/", dict(headers)
        self._interface: Interface | None = None

    async def send(self, content: object, message: str, task: str = "", context: str = "") -> Heard:
        """Give a peer a task, or an answer it asked for; it need not be done when this returns.

        Raises `NotDone` where the peer was not reached, or did not take it.
        """
        return await self._ask("SendMessage", lambda version: _sending(version, content, message, task, context))

    async def look(self, task: str) -> Heard:
        """How a task stands."""
        return await self._ask("GetTask", lambda _: {"id": task})

    async def cancel(self, task: str) -> None:
        """Ask the peer to stop."""
        await self._ask("CancelTask", lambda _: {"id": task})

    async def _ask(self, method: str, params: Any) -> Heard:
        async with httpx2.AsyncClient(headers=self._headers, timeout=LIMIT) as http:
            interface = self._interface = self._interface or await self._find(http)
            own = _METHODS[interface.version].get(method, method)
            body = {"jsonrpc": "2.0", "id": 1, "method": own, "params": params(interface.version)}
            try:
                reply = await http.post(interface.url, json=body, headers={"A2A-Version": interface.version})
            except httpx2.ConnectError as error:
                raise self._unreached(interface.url, error) from error
            except httpx2.TransportError as error:
                raise ConnectionError(f"{self.name} was not heard to the end: {error!r}") from error
        return _heard(self._result(reply))

    def _result(self, reply: httpx2.Response) -> Any:
        if 400 <= reply.status_code < 500:
            raise NotDone(f"{self.name} did not take it: HTTP {reply.status_code} {reply.text[:200]}")
        try:
            body = reply.raise_for_status().json()
        except (httpx2.HTTPError, ValueError) as error:
            raise ConnectionError(f"{self.name} answered with HTTP {reply.status_code}: {reply.text[:200]}") from error
        if wrong := body.get("error"):
            told = f"{self.name} answered with error {wrong.get('code')}: {wrong.get('message')}"
            raise NotDone(told) if wrong.get("code") in _REFUSED else StepError(told, "PeerError")
        return body["result"]

    async def _find(self, http: httpx2.AsyncClient) -> Interface:
        """Read the peer's card."""
        where = urljoin(self.url, CARD)
        try:
            reply = await http.get(where)
        except httpx2.TransportError as error:
            raise self._unreached(where, error) from error
        try:
            found = _interface(reply.json()) if reply.is_success else None
        except (ValueError, LookupError, AttributeError) as error:
            raise NotDone(f"what {where} holds is no agent card: {error!r}") from error
        if not reply.is_success:
            raise NotDone(
                f"there is no agent card at {where} (HTTP {reply.status_code}); a2a takes the address above it"
            )
        if found is None:
            raise NotDone(f"{self.name} speaks no JSON-RPC in version 1.0 or 0.3 of A2A, as its card at {where} says")
        if self._headers and urlsplit(found.url)[:2] != urlsplit(self.url)[:2]:
            raise NotDone(f"the card at {where} leads to {found.url}; headers go to no other host: give a2a that one")
        return found

    def _unreached(self, where: str, error: Exception) -> NotDone:
        return NotDone(f"{self.name} is not reached at {where}: {str(error) or type(error).__name__}")


def _interface(card: Mapping[str, Any]) -> Interface | None:
    """The first interface that can be spoken to, the newer version first."""
    known = [
        *(
            (one["protocolBinding"], one["url"], one.get("protocolVersion", "1.0"))
            for one in card.get("supportedInterfaces", ())
        ),
        *((one["transport"], one["url"], "0.3") for one in card.get("additionalInterfaces", ())),
        *([(card.get("preferredTransport", "JSONRPC"), card["url"], "0.3")] if "url" in card else []),
    ]
    for version in ("1.0", "0.3"):
        for binding, url, spoken in known:
            if binding == "JSONRPC" and str(spoken).startswith(version):
                return Interface(url, version)
    return None


def _sending(version: str, content: object, message: str, task: str, context: str) -> dict[str, Any]:
    part: dict[str, Any] = {"text": content} if isinstance(content, str) else {"data": content}
    told = {"messageId": message, "role": "ROLE_USER", "parts": [part]}
    told |= {name: value for name, value in (("taskId", task), ("contextId", context)) if value}
    if version == "1.0":
        return {"message": told, "configuration": {"returnImmediately": True}}
    part["kind"] = next(iter(part))
    return {"message": {**told, "kind": "message", "role": "user"}, "configuration": {"blocking": False}}


def _heard(result: Mapping[str, Any]) -> Heard:
    body = result.get("task") or result.get("message") or result
    if "status" not in body:  # a message: the whole answer at once
        return {"task": "", "context": "", "state": "completed", "said": "", "result": _content([body])}
    status = body["status"]
    state = str(status.get("state", "")).lower().removeprefix("task_state_").replace("_", "-")
    said = status.get("message")
    told = as_text(_content([said])) if said else ""
    artifacts = body.get("artifacts") or ([said] if said else [])
    return {
        "task": body["id"],
        "context": body.get("contextId", ""),
        "state": state,
        "said": told,
        "result": _content(artifacts) if state == "completed" else None,
    }


def _content(things: list[Any]) -> Any:
    """What messages or artifacts hold: data where it is nothing else, else the text."""
    parts = [part for thing in things for part in thing.get("parts", ())]
    data = [part["data"] for part in parts if part.get("data") is not None]
    if data and len(data) == len(parts):
        return data[0] if len(data) == 1 else data
    return "\n".join(part.get("text") or part.get("url") or as_text(part.get("data") or "") for part in parts)
