"""The provider and the chain against a real server that misbehaves in every way it can."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.support.provider_server import (
    HELLO,
    KEY,
    ProviderServer,
    ask_brain,
    provider_settings,
)
from wabot.brain.brain import Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.output.completion import ProviderError
from wabot.brain.providers.endpoint import _parse_retry_after, _time_there
from wabot.brain.providers.provider import Provider
from wabot.brain.settings import BrainSettings, ProviderSettings
from wabot.brain.texts import texts_for
from wabot.system import http as http_deadline
from wabot.system.http import Deadline
from wabot.trials.peers.model_behaviours import (
    completion,
    echo,
    endless,
    hang_up,
    json_value,
    raw,
    redirect,
    say,
    silent,
    slow_body,
    slow_headers,
    status,
    truncated,
)
from wabot.trials.peers.model_server import Behaviour

pytestmark = pytest.mark.usefixtures("no_proxy")


def test_the_request_is_a_chat_completion_with_the_key_in_one_header_only(server: ProviderServer) -> None:
    result = Provider(provider_settings(server.base_url)).complete(HELLO, 5)
    assert (result.text, result.provider) == ("echo: hola", "main")
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (11, 7)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.body == {
        "model": "tiny",
        "messages": HELLO,
        "max_tokens": 400,
        "temperature": 0.7,
        "stream": False,
    }
    # A compressed answer could unpack to any size.
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers.pop("Authorization") == f"Bearer {KEY}"
    assert KEY not in str(request.headers) + request.path + json.dumps(request.body)


def test_no_key_sends_no_authorization_not_even_from_netrc(
    server: ProviderServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    Provider(ProviderSettings("local", server.base_url, "tiny")).complete(HELLO, 5)
    assert "Authorization" not in server.requests[0].headers


def test_connections_are_kept_alive_between_calls(server: ProviderServer) -> None:
    ports: list[int] = []

    def remember(handler, body) -> None:
        ports.append(handler.client_address[1])
        echo()(handler, body)

    server.default = remember
    provider = Provider(provider_settings(server.base_url))
    for _ in range(3):
        provider.complete(HELLO, 5)
    assert len(set(ports)) == 1


FAULTS: dict[str, tuple[Behaviour, str]] = {
    "429": (status(429), "rate_limited"),
    "500": (status(500), "unavailable"),
    "503 for an hour": (status(503, "3600"), "unavailable"),
    "401": (status(401, text=f"Incorrect API key provided: {KEY}"), "unauthorized"),
    "404": (status(404), "not_found"),
    "400": (status(400), "rejected"),
    "truncated JSON": (truncated(), "dropped"),
    "cut JSON": (raw(json.dumps(completion("x")).encode()[:-9]), "malformed"),
    "hang up": (hang_up(), "dropped"),
    "10 MB": (raw(json.dumps(completion("x" * 10_000_000)).encode()), "too_large"),
    "endless": (endless(), "too_large"),
    "tool calls": (say(None, tool_calls=[{"type": "function", "function": {"name": "rm"}}]), "empty"),
    "empty": (say(""), "empty"),
    "only reasoning": (say("<think>the customer wants…"), "empty"),
    "invalid UTF-8": (
        raw(b'{"choices":[{"message":{"role":"assistant","content":"\xff\xfe"}}]}'),
        "malformed",
    ),
    "HTML": (raw(b"<html>Bad gateway</html>"), "malformed"),
    "deep nesting": (raw(b"[" * 500_000), "malformed"),
    "huge number": (raw(b'{"choices": ' + b"9" * 10_000 + b"}"), "malformed"),
    "a bomb": (
        raw(gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}),
        "too_large",
    ),
    "an error for an answer": (json_value({"error": {"message": "no"}}), "unavailable"),
    "redirect": (redirect("http://127.0.0.1:1/v1/chat/completions"), "redirected"),
    **{
        f"wrong type {value!r}": (json_value(value), "malformed")
        for value in (
            None,
            [],
            "text",
            7,
            {},
            {"choices": {}},
            {"choices": []},
            {"choices": [None]},
            {"choices": [{"message": "text"}]},
            {"choices": [{"message": {"content": 5}}]},
            {"choices": [{"message": {"content": {"text": "x"}}}]},
        )
    },
    "parts of wrong types": (say([{"type": "text", "text": 5}, None, {"type": "image"}]), "empty"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_kind_and_the_customer_a_polite_sentence(
    server: ProviderServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    behaviour, kind = FAULTS[fault]
    server.default = behaviour
    with pytest.raises(ProviderError) as caught:
        Provider(provider_settings(server.base_url)).complete(HELLO, 5)
    assert caught.value.kind == kind
    with caplog.at_level(logging.DEBUG):
        answer = ask_brain(server.base_url)
    assert answer.parts == (texts_for("es").cannot_answer,)
    assert answer.source == "polite"
    # What others wrote to the root logger at DEBUG (urllib3) is checked as well: the key is nowhere.
    assert KEY not in caplog.text + str(caught.value)


HANGS: dict[str, Behaviour] = {
    "slow headers": slow_headers(),
    "slow body": slow_body(),
    "slow body without length": slow_body(announced=False),
    "silent": silent(),
}


@pytest.mark.parametrize("hang", HANGS)
def test_whatever_hangs_is_cut_at_the_deadline(server: ProviderServer, hang: str) -> None:
    server.default = HANGS[hang]
    provider = Provider(provider_settings(server.base_url, timeout_seconds=0.4))
    started = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        provider.complete(HELLO, 60)
    assert caught.value.kind == "timeout"
    assert 0.35 < time.monotonic() - started < 2.5
    # Alone, it costs the customer the polite sentence.
    assert ask_brain(server.base_url, timeout_seconds=0.3).parts == (texts_for("es").cannot_answer,)
    # The thread's session works on, and no timer is left behind to cut a later call.
    server.default = echo()
    assert provider.complete(HELLO, 5).text == "echo: hola"


def test_one_thread_keeps_all_deadlines_and_a_shorter_one_does_not_wait_for_a_longer(
    server: ProviderServer,
) -> None:
    provider = Provider(provider_settings(server.base_url, timeout_seconds=0.3))
    server.default = slow_headers()
    kinds: list[str] = []

    def ask() -> None:
        with pytest.raises(ProviderError) as caught:
            provider.complete(HELLO, 5)
        kinds.append(caught.value.kind)

    with Deadline(60) as long:
        # It sleeps for as long as that one takes, once those of other tests are over.
        while http_deadline._watcher._wakes_at != long._ends_at:
            time.sleep(0.01)
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(10)
    assert kinds == ["timeout"]
    assert not long.expired
    assert [thread.name for thread in threading.enumerate()].count("deadlines") == 1


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that requests trusts by the environment."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return authority


def tls_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("hang", HANGS)
def test_the_deadline_holds_over_tls(authority: trustme.CA, hang: str) -> None:
    with ProviderServer(HANGS[hang], tls=tls_context(authority)) as server:
        provider = Provider(provider_settings(server.base_url, timeout_seconds=0.4))
        started = time.monotonic()
        with pytest.raises(ProviderError) as caught:
            provider.complete(HELLO, 60)
        assert caught.value.kind == "timeout"
        assert time.monotonic() - started < 2.5
        server.default = echo()
        assert provider.complete(HELLO, 5).text == "echo: hola"


def test_a_certificate_nobody_vouches_for_is_refused_and_gets_no_key() -> None:
    with ProviderServer(tls=tls_context(trustme.CA())) as server:
        with pytest.raises(ProviderError) as caught:
            Provider(provider_settings(server.base_url)).complete(HELLO, 5)
        assert server.requests == []
    assert caught.value.kind == "unreachable"
    assert "certificate is not trusted" in str(caught.value)


def test_a_handshake_that_never_comes_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        base_url = f"https://127.0.0.1:{mute.getsockname()[1]}/v1"
        started = time.monotonic()
        with pytest.raises(ProviderError) as caught:
            Provider(provider_settings(base_url, timeout_seconds=0.3)).complete(HELLO, 60)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 2.5


def test_the_proxy_of_the_environment_is_used_and_the_deadline_holds_through_it(
    server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.base_url.removesuffix("/v1"))
    provider = Provider(provider_settings("http://models.example/v1", timeout_seconds=0.5))
    assert provider.complete(HELLO, 5).text == "echo: hola"
    assert server.requests[0].path == "http://models.example/v1/chat/completions"
    server.default = slow_body()
    with pytest.raises(ProviderError) as caught:
        provider.complete(HELLO, 5)
    assert caught.value.kind == "timeout"


def test_a_hanging_provider_costs_the_customer_a_delay_only(server: ProviderServer) -> None:
    with ProviderServer(slow_body()) as hanging:
        answer = ask_brain(hanging.base_url, server.base_url, timeout_seconds=0.3)
    assert (answer.parts, answer.source) == (("echo: ¿quién ganó el mundial?",), "model:p1")


def test_no_redirect_is_followed_so_the_key_goes_nowhere_else(server: ProviderServer) -> None:
    with ProviderServer() as elsewhere:
        server.default = redirect(elsewhere.base_url + "/chat/completions")
        answer = ask_brain(server.base_url)
    assert answer.source == "polite"
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "base_url",
    ["http://", "nonsense", "ftp://127.0.0.1/v1", "http://[::1", "http://a b/", "http://127.0.0.1:99999/"],
)
def test_an_address_that_cannot_be_used_is_an_error_like_others(base_url: str) -> None:
    with pytest.raises(ProviderError) as caught:
        Provider(provider_settings(base_url)).complete(HELLO, 1)
    assert caught.value.kind in ("misconfigured", "unreachable")


@pytest.mark.parametrize("key", ["line\nbreak", "clé€"])
def test_a_key_that_cannot_be_sent_is_not_shown(server: ProviderServer, key: str) -> None:
    with pytest.raises(ProviderError) as caught:
        Provider(ProviderSettings("main", server.base_url, "tiny", key)).complete(HELLO, 2)
    assert caught.value.kind == "misconfigured"
    assert key not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_key_is_in_no_repr() -> None:
    settings = provider_settings("http://127.0.0.1:1/v1")
    brain = BrainSettings(providers=(settings,))
    assert KEY not in repr(settings) + repr(brain) + repr(Provider(settings))


def test_content_in_parts_is_joined(server: ProviderServer) -> None:
    server.script(say([{"type": "text", "text": "Abrimos "}, {"type": "text", "text": "a las 10."}]))
    assert Provider(provider_settings(server.base_url)).complete(HELLO, 5).text == "Abrimos a las 10."


def test_an_answer_is_read_although_it_is_packed(server: ProviderServer) -> None:
    packed = gzip.compress(json.dumps(completion("Abrimos a las 10.")).encode())
    server.script(raw(packed, {"Content-Encoding": "gzip"}))
    assert Provider(provider_settings(server.base_url)).complete(HELLO, 5).text == "Abrimos a las 10."


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {"prompt_tokens": "many", "completion_tokens": -1},
        {"prompt_tokens": 7.5},
        {"prompt_tokens": 10**20},
    ],
)
def test_a_strange_usage_is_an_estimate(server: ProviderServer, usage: object) -> None:
    server.script(json_value({**completion("a" * 350), "usage": usage}))
    result = Provider(provider_settings(server.base_url)).complete(HELLO, 5)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (5, 104)


def test_an_answer_that_came_to_nothing_has_its_cost(server: ProviderServer) -> None:
    server.default = say("<think>the customer wants…")
    with pytest.raises(ProviderError) as caught:
        Provider(provider_settings(server.base_url)).complete(HELLO, 5)
    assert caught.value.usage is not None
    assert caught.value.usage.tokens == 18


def test_reasoning_never_reaches_the_customer(server: ProviderServer) -> None:
    server.default = say("<think>Is she the one who complained?</think>\n\n**Claro**, le ayudo.")
    assert ask_brain(server.base_url).parts == ("*Claro*, le ayudo.",)


def test_a_model_that_asks_for_silence_gets_it(server: ProviderServer) -> None:
    server.default = say("<think>automatic</think>NO_REPLY")
    answer = ask_brain(server.base_url)
    assert (answer.parts, answer.source) == ((), "silence")


@pytest.mark.parametrize("text", ["\u200b\u200e", "---", "<|end|>\u2060"])
def test_a_model_that_writes_nothing_visible_has_not_answered(server: ProviderServer, text: str) -> None:
    server.default = say(text)
    assert ask_brain(server.base_url).parts == (texts_for("es").cannot_answer,)


def test_many_threads_share_one_brain_and_no_prompt_holds_another_chats_text(server: ProviderServer) -> None:
    server.default = echo(0.02)
    brain = Brain(BrainSettings(providers=(provider_settings(server.base_url),)))
    answers: dict[int, str] = {}

    def chat(number: int) -> None:
        for _ in range(3):
            turns = (Turn("user", f"secreto-{number} hola"),)
            answers[number] = brain.reply(
                Conversation(turns, "es", f"Cliente {number}"), datetime.now(UTC)
            ).parts[0]

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == {number: f"echo: secreto-{number} hola" for number in range(8)}
    assert len(server.requests) == 24
    for request in server.requests:
        prompt = json.dumps(request.body)
        assert sum(f"secreto-{number} " in prompt for number in range(8)) == 1
        assert sum(f"Cliente {number}" in prompt for number in range(8)) == 1


def test_a_date_to_wait_for_is_measured_by_the_clock_it_comes_from() -> None:
    """By this machine's, which may be hours off, the wait would be that much longer or none."""
    there = _time_there("Sun, 22 Nov 2020 12:00:00 GMT")
    assert _parse_retry_after("Sun, 22 Nov 2020 12:00:30 GMT", there) == 30
    assert _parse_retry_after("7", there) == 7
    for unknown in (None, "", "yesterday"):
        assert abs(_time_there(unknown) - time.time()) < 60
