import http.client
import json
from urllib.parse import urlsplit

import pytest

from stretto.core.errors import UsageError
from stretto.core.messages import Usage
from stretto.testing import FakeProvider, call, calls, fail, say


def post(fake: FakeProvider, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(fake.url).netloc, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


CHAT = json.dumps({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Grüße  "}]}).encode()


def test_what_is_received_is_kept_byte_for_byte() -> None:
    odd = CHAT.replace(b", ", b" ,\n  ")
    with FakeProvider(["Hi"]) as fake:
        post(fake, "/v1/chat/completions", odd)
        (received,) = fake.received
    assert received.body == odd
    assert received.path == "/v1/chat/completions"
    assert received.request.messages[0].text == "Grüße  "


@pytest.mark.capability(109)
def test_every_answer_is_billed_and_no_failure_is() -> None:
    with FakeProvider([say("a", usage=Usage(100, 10)), fail(500), say("b", usage=Usage(50, 5, cached=20))]) as fake:
        for _ in range(3):
            post(fake, "/v1/chat/completions", CHAT)
        assert fake.bills == [Usage(100, 10), Usage(50, 5, cached=20)]
        assert fake.billed == Usage(150, 15, cached=20)
        assert len(fake.received) == 3


def test_a_chat_completion_has_the_published_form() -> None:
    with FakeProvider([calls(say("Looking."), call("search", query="a"), usage=Usage(7, 3))]) as fake:
        status, headers, body = post(fake, "/v1/chat/completions", CHAT)
    answer = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"] == {
        "name": "search",
        "arguments": '{"query": "a"}',
    }
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert answer["usage"]["total_tokens"] == 10
    assert answer["model"] == "gpt-5-mini"


def test_a_stream_is_a_list_of_events_that_ends_with_done() -> None:
    with FakeProvider([say("one two")]) as fake:
        _, headers, body = post(fake, "/v1/chat/completions", json.dumps(json.loads(CHAT) | {"stream": True}).encode())
    events = [event.removeprefix("data: ") for event in body.decode().split("\n\n") if event]
    words = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-2]]
    assert headers["Content-Type"] == "text/event-stream"
    assert "".join(words) == "one two"
    assert events[-1] == "[DONE]"


def test_a_limit_says_how_long_to_wait() -> None:
    with FakeProvider([fail(429, retry_after=2)]) as fake:
        status, headers, body = post(
            fake,
            "/v1/messages",
            json.dumps({"model": "claude", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}).encode(),
        )
    assert (status, headers["Retry-After"]) == (429, "2")
    assert json.loads(body)["error"]["type"] == "rate_limit_error"


def test_a_script_that_is_used_up_and_a_path_that_is_not_served_are_said() -> None:
    with FakeProvider() as fake:
        status, _, body = post(fake, "/v1/chat/completions", CHAT)
        assert (status, b"has 0 steps and all are used" in body) == (400, True)
        status, _, body = post(fake, "/v1/embeddings", CHAT)
        assert (status, b"/v1/embeddings is not served" in body) == (404, True)


def test_it_listens_on_loopback_only_and_only_while_it_is_open() -> None:
    fake = FakeProvider()
    with pytest.raises(UsageError, match="only inside its `with`"):
        _ = fake.url
    with fake:
        assert urlsplit(fake.url).hostname == "127.0.0.1"
        there = urlsplit(fake.url).netloc
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(there, timeout=60).request("POST", "/v1/chat/completions", CHAT)
