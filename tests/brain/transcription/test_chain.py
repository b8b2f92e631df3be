"""The transcribers are asked in order, left alone while they fail, and never beyond what a day may cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider_server import ProviderServer, refused_url
from wabot.brain.providers.budget import BudgetSpent, BudgetUnknown, Payee, Reservation
from wabot.brain.providers.circuit import FAILURES_TO_OPEN, FIRST_PAUSE_SECONDS
from wabot.brain.providers.counts import CallCounts
from wabot.brain.settings import TranscriberSettings
from wabot.brain.transcription.chain import NotHeard, TranscriptionChain, longest_seconds
from wabot.brain.transcription.sound import Sound, read_sound
from wabot.emulator.people.sample_files import silent_voice
from wabot.trials.peers import model_behaviours as behaviours
from wabot.trials.peers.transcriber_behaviours import REFUSALS, hear, hear_words, refuse_ogg


class Ledger:
    """A budget that keeps what it was told."""

    def __init__(self, spent: str = "", error: Exception | None = None) -> None:
        self.told: list[tuple[str, int, int, int]] = []
        self._spent, self._error = spent, error

    def reserve(self, payee: Payee, tokens: int) -> Reservation:
        if self._error:
            raise self._error
        if payee.name == self._spent:
            raise BudgetSpent("the day's budget is spent")
        return Reservation("", payee, tokens)

    def settle(self, reservation: Reservation, calls: int, tokens: int) -> None:
        self.told.append((reservation.payee.budget_name, reservation.tokens, calls, tokens))


@pytest.fixture
def server(no_proxy: None) -> Iterator[ProviderServer]:
    with ProviderServer(hear_words()) as running:
        yield running


@pytest.fixture
def note(tmp_path: Path) -> Sound:
    file = tmp_path / "7"
    file.write_bytes(silent_voice(7, "hola"))
    return read_sound(file, 7)


def test_the_next_is_asked_where_one_fails_and_each_is_counted(server: ProviderServer, note: Sound) -> None:
    ledger, counts = Ledger(), CallCounts(["a", "b"])
    transcribers = [
        TranscriberSettings("a", refused_url(), "m"),
        TranscriberSettings("b", server.base_url, "m"),
    ]
    chain = TranscriptionChain(transcribers, ledger, counts)
    found = chain.transcribe(note, "es", 5)
    assert (found.text, found.transcriber) == ("hola", "b")
    assert ledger.told == [("[[ai.transcribers]] a", 7, 0, 0), ("[[ai.transcribers]] b", 7, 1, 7)]
    told = counts.providers()
    assert (told["a"].calls, dict(told["a"].errors)) == (1, {"unreachable": 1})
    assert (told["b"].calls, round(told["b"].heard_seconds)) == (1, 7)
    assert counts.is_answering and counts.outage is None


def test_a_spent_budget_is_final_and_an_unknown_one_is_not_decided(
    server: ProviderServer, note: Sound
) -> None:
    transcribers = [TranscriberSettings("a", server.base_url, "m")]
    with pytest.raises(NotHeard, match="budget is spent") as caught:
        TranscriptionChain(transcribers, Ledger("a")).transcribe(note, "es", 5)
    assert not caught.value.worth_retry and not server.requests
    with pytest.raises(BudgetUnknown):
        TranscriptionChain(transcribers, Ledger(error=BudgetUnknown())).transcribe(note, "es", 5)


def test_what_refuses_a_note_is_not_asked_again_for_it_but_for_others(
    server: ProviderServer, note: Sound
) -> None:
    server.default = refuse_ogg(hear(""), *REFUSALS["OpenAI"])
    counts = CallCounts()
    chain = TranscriptionChain([TranscriberSettings("a", server.base_url, "m")], counts=counts)
    for _ in range(FAILURES_TO_OPEN + 1):
        with pytest.raises(NotHeard, match="does not take") as caught:
            chain.transcribe(note, "es", 5, "ana")
        assert not caught.value.worth_retry
    assert len(server.requests) == FAILURES_TO_OPEN + 1
    assert counts.outage is None
    # One that takes nobody's is not what the configuration says it is.
    with pytest.raises(NotHeard):
        chain.transcribe(note, "es", 5, "bea")
    assert counts.outage is not None


def test_what_fails_is_left_alone_and_tried_again_later(server: ProviderServer, note: Sound) -> None:
    now, counts = [0.0], CallCounts()
    chain = TranscriptionChain(
        [TranscriberSettings("a", server.base_url, "m")], counts=counts, clock=lambda: now[0]
    )
    server.default = behaviours.status(500)
    for chat in range(FAILURES_TO_OPEN + 2):
        with pytest.raises(NotHeard) as caught:
            chain.transcribe(note, "es", 5, str(chat))
        assert caught.value.worth_retry
    assert len(server.requests) == FAILURES_TO_OPEN
    assert "paused" in str(caught.value) and counts.outage is not None
    server.default = hear("")
    now[0] = FIRST_PAUSE_SECONDS + 1
    assert chain.transcribe(note, "es", 5).text == ""
    assert counts.outage is None


def test_the_deadline_is_for_all_of_them(server: ProviderServer, note: Sound) -> None:
    server.default = behaviours.silent(5)
    each = TranscriberSettings("a", server.base_url, "m", timeout_seconds=10)
    with pytest.raises(NotHeard, match=r"within 0\.[0-9]+ s; transcriber b: no time left"):
        TranscriptionChain([each, TranscriberSettings("b", server.base_url, "m")]).transcribe(note, "es", 0.5)
    assert longest_seconds([each, each], 30) == 50
