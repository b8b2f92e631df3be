"""The providers are asked in order until one answers: second tries, pauses, refusals."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.support.provider_server import (
    HELLO,
    ProviderServer,
    ask_brain,
    provider_settings,
    refused_url,
)
from wabot.brain.providers.chain import NoProviderAnswered, ProviderChain
from wabot.brain.providers.counts import CallCounts
from wabot.trials.peers.model_behaviours import (
    echo,
    json_value,
    say,
    status,
)
from wabot.trials.peers.model_server import Behaviour


def test_refused_connections_fall_through_to_the_next_provider(server: ProviderServer) -> None:
    answer = ask_brain(refused_url(), server.base_url)
    assert answer.source == "model:p1"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 11


@pytest.fixture
def timeline() -> SimpleNamespace:
    """A clock that only `wait` moves, and what was waited."""
    line = SimpleNamespace(now=1000.0, waits=[])

    def wait(seconds: float) -> None:
        line.waits.append(seconds)
        line.now += seconds

    line.wait = wait
    line.clock = lambda: line.now
    return line


def make_chain(timeline: SimpleNamespace) -> Callable[..., ProviderChain]:
    return lambda *urls: ProviderChain(
        [provider_settings(url, f"p{number}") for number, url in enumerate(urls)],
        clock=timeline.clock,
        wait=timeline.wait,
    )


def test_a_429_with_retry_after_is_asked_once_more_after_that_time(
    server: ProviderServer, timeline: SimpleNamespace
) -> None:
    server.script(status(429, "7"))
    assert make_chain(timeline)(server.base_url).complete(HELLO, 60).text == "echo: hola"
    (waited,) = timeline.waits
    assert 7 <= waited <= 7 * 1.3


def test_the_second_try_is_the_last(server: ProviderServer, timeline: SimpleNamespace) -> None:
    server.script(status(429, "1"), status(429, "1"))
    with pytest.raises(NoProviderAnswered):
        make_chain(timeline)(server.base_url).complete(HELLO, 60)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("behaviour", "deadline_seconds"),
    [(status(429), 60), (status(500), 60), (status(429, "90"), 60), (status(401, "1"), 60), (say(""), 60)],
)
def test_no_second_try_where_it_would_not_help(
    server: ProviderServer, timeline: SimpleNamespace, behaviour: Behaviour, deadline_seconds: float
) -> None:
    server.script(behaviour)
    with pytest.raises(NoProviderAnswered):
        make_chain(timeline)(server.base_url).complete(HELLO, deadline_seconds)
    assert len(server.requests) == 1
    assert timeline.waits == []


def test_the_next_provider_is_asked_before_anyone_is_waited_for(
    server: ProviderServer, timeline: SimpleNamespace
) -> None:
    with ProviderServer() as second:
        server.script(status(429, "5"))
        assert make_chain(timeline)(server.base_url, second.base_url).complete(HELLO, 60).provider == "p1"
    assert timeline.waits == []


def test_a_refused_connection_is_tried_again_shortly_after(timeline: SimpleNamespace) -> None:
    with pytest.raises(NoProviderAnswered, match="p0: no connection"):
        make_chain(timeline)(refused_url()).complete(HELLO, 60)
    (waited,) = timeline.waits
    assert waited < 1


def test_a_retry_after_may_be_a_date(server: ProviderServer, timeline: SimpleNamespace) -> None:
    server.script(status(503, "Wed, 21 Oct 2015 07:28:00 GMT"))
    assert make_chain(timeline)(server.base_url).complete(HELLO, 60).text == "echo: hola"


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "1e400", "-5x", "Wed, 99 Foo 2015"])
def test_a_retry_after_that_says_nothing_is_no_wait(
    server: ProviderServer, timeline: SimpleNamespace, header: str
) -> None:
    server.script(status(503, header))
    with pytest.raises(NoProviderAnswered):
        make_chain(timeline)(server.base_url).complete(HELLO, 60)


def test_a_failing_provider_is_left_alone_and_comes_back(
    server: ProviderServer, timeline: SimpleNamespace
) -> None:
    server.default = status(500)
    chain = make_chain(timeline)(server.base_url)
    for _ in range(5):
        with pytest.raises(NoProviderAnswered):
            chain.complete(HELLO, 60)
    assert len(server.requests) == 3
    timeline.now += 31
    server.default = echo()
    assert chain.complete(HELLO, 60).text == "echo: hola"
    assert chain.complete(HELLO, 60).text == "echo: hola"


def test_a_rejected_request_does_not_open_the_circuit_for_others(
    server: ProviderServer, timeline: SimpleNamespace
) -> None:
    server.script(*[status(400)] * 5)
    chain = make_chain(timeline)(server.base_url)
    for number in range(5):
        with pytest.raises(NoProviderAnswered):
            chain.complete([{"role": "user", "content": f"hola {number}"}], 60)
    assert chain.complete([{"role": "user", "content": "adiós"}], 60).text == "echo: adiós"


def test_no_call_is_begun_when_no_time_is_left(server: ProviderServer, timeline: SimpleNamespace) -> None:
    with pytest.raises(NoProviderAnswered):
        make_chain(timeline)(server.base_url).complete(HELLO, 0.1)
    assert server.requests == []


REFUSALS = {
    "filtered": status(400, text="The response was filtered due to the content management policy."),
    "filtered halfway": json_value(
        {"choices": [{"message": {"content": "Abri"}, "finish_reason": "content_filter"}]}
    ),
    "empty": say(""),
    "blank": status(400, text="messages: text content blocks must contain non-whitespace text"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_text_that_is_refused_is_not_asked_again_and_keeps_nobody_else_from_an_answer(
    server: ProviderServer, timeline: SimpleNamespace, refusal: str
) -> None:
    server.script(REFUSALS[refusal])
    chain = make_chain(timeline)(server.base_url)
    bad = [{"role": "user", "content": "veneno"}]
    for _ in range(5):
        with pytest.raises(NoProviderAnswered) as caught:
            chain.complete(bad, 60, "eve")
        assert caught.value.refused
    assert len(server.requests) == 1
    assert chain.complete(HELLO, 60, "ana").text == "echo: hola"
    timeline.now += 3601
    assert chain.complete(bad, 60, "eve").text == "echo: veneno"


def test_a_chat_counts_once_towards_what_may_be_its_fault(
    server: ProviderServer, timeline: SimpleNamespace
) -> None:
    server.default = status(500)
    chain = make_chain(timeline)(server.base_url)
    for _ in range(5):
        with pytest.raises(NoProviderAnswered):
            chain.complete(HELLO, 60, "eve")
    server.default = echo()
    assert chain.complete(HELLO, 60, "ana").text == "echo: hola"
    server.default = status(500)
    for chat in ("ana", "eve", "luz", "max"):
        with pytest.raises(NoProviderAnswered):
            chain.complete(HELLO, 60, chat)
    assert len(server.requests) == 9


def test_another_provider_is_asked_what_one_refuses(
    server: ProviderServer, timeline: SimpleNamespace
) -> None:
    with ProviderServer(REFUSALS["filtered"]) as strict:
        chain = make_chain(timeline)(strict.base_url, server.base_url)
        for _ in range(3):
            assert chain.complete(HELLO, 60, "ana").provider == "p1"
        assert len(strict.requests) == 1


def test_what_one_chat_is_refused_is_no_outage(server: ProviderServer) -> None:
    server.default = REFUSALS["empty"]
    tally = CallCounts()
    chain = ProviderChain([provider_settings(server.base_url)], counts=tally)
    for chat, is_outage in (("eve", False), ("eve", False), ("ana", True)):
        with pytest.raises(NoProviderAnswered):
            chain.complete([{"role": "user", "content": f"hola {chat}"}], 5, chat)
        assert (tally.outage is not None) is is_outage


@pytest.mark.parametrize(
    ("finish", "content"), [("error", "Abrimos a l"), ("content_filter", "Abrimos a l"), ("stop", None)]
)
def test_half_an_answer_is_none_and_the_next_provider_is_asked(
    server: ProviderServer, finish: str, content: str | None
) -> None:
    broken = {"choices": [{"message": {"content": content}, "finish_reason": finish, "error": {"code": 502}}]}
    with ProviderServer(json_value(broken)) as first:
        assert ask_brain(first.base_url, server.base_url).source == "model:p1"
