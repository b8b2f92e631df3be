"""Asks the transcribers in order until one has heard what was said."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wabot.brain.output.completion import OF_THE_TEXT, ProviderError, Usage
from wabot.brain.providers.budget import Budget, BudgetSpent, NoBudget
from wabot.brain.providers.counts import CallCounts
from wabot.brain.providers.guard import Guard
from wabot.brain.settings import TranscriberSettings
from wabot.brain.transcription.sound import Sound

if TYPE_CHECKING:
    from wabot.brain.transcription.transcriber import Transcriber

_SHORTEST_CALL_SECONDS = 0.2
_NO_TOKENS = Usage(0, 0)


class NotHeard(Exception):
    """No transcriber said what was spoken. The message names what each did.

    Attributes:
        worth_retry: whether one may say it in a moment: not where this very note is refused, or budgets are
            spent.
    """

    def __init__(self, explanation: str, *, worth_retry: bool) -> None:
        super().__init__(explanation)
        self.worth_retry = worth_retry


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard, "" for nothing, and the name of the transcriber that says so."""

    text: str = field(repr=False)
    transcriber: str


class TranscriptionChain:
    """The transcribers in the order of the configuration. Safe to share by threads.

    Args:
        transcribers: in the order in which they are asked.
        budget: asked before each call; None for no bound.
        counts: told after each call.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        transcribers: Sequence[TranscriberSettings],
        budget: Budget | None = None,
        counts: CallCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transcribers = transcribers
        self._budget = budget or NoBudget()
        self._counts = counts or CallCounts()
        self._clock = clock
        self._loading = threading.Lock()
        self._loaded: list[tuple[Transcriber, Guard]] | None = None

    def transcribe(self, sound: Sound, language: str, deadline_seconds: float, chat: str = "") -> Transcript:
        """Have a file of sound transcribed.

        Args:
            sound: the file.
            language: of the chat, as a code.
            deadline_seconds: for all calls.
            chat: whose it is, "" where that is not known.

        Raises:
            NotHeard: nobody said in time what was spoken.
            BudgetUnknown: whether one may be asked cannot be found out now.
            OSError: the file cannot be read.
        """
        deadline = self._clock() + deadline_seconds
        seconds = math.ceil(sound.seconds)
        failures: list[str] = []
        refused = spent = 0
        for transcriber, guard in self._links():
            name, who = transcriber.settings.name, transcriber.settings.who
            left = deadline - self._clock()
            if left < _SHORTEST_CALL_SECONDS:
                failures.append(f"{who}: no time left")
                continue
            try:
                text = guard.call(
                    partial(transcriber.transcribe, sound, language, left),
                    seconds,
                    lambda _: seconds,
                    self._clock,
                    chat,
                )
            except ProviderError as error:
                failures.append(str(error))
                refused += error.kind in OF_THE_TEXT
            except BudgetSpent as error:
                failures.append(f"{who}: {error}")
                spent += 1
            else:
                if text is not None:
                    self._counts.answered(name, _NO_TOKENS, sound.seconds)
                    return Transcript(text, name)
                failures.append(f"{who}: paused")
        reason = "; ".join(dict.fromkeys(failures)) or "no transcriber is configured"
        is_refused = 0 < refused == len(failures)
        if spent < len(failures):
            # One that takes no voice notes at all refuses those of every chat.
            self._counts.nobody_answered(reason, chat if is_refused else "")
        raise NotHeard(reason, worth_retry=refused + spent < len(failures))

    def load(self) -> None:
        """Load what speaks HTTP now, instead of with the first note."""
        self._links()

    def _links(self) -> list[tuple[Transcriber, Guard]]:
        with self._loading:
            if self._loaded is None:
                from wabot.brain.transcription.transcriber import Transcriber

                self._loaded = [
                    (Transcriber(each), Guard(each, self._budget, self._counts))
                    for each in self._transcribers
                ]
            return self._loaded


def longest_seconds(transcribers: Sequence[TranscriberSettings], sound_seconds: float) -> float:
    """How long it may take to have a note transcribed that plays so long: each asked once."""
    return sum(each.call_seconds(sound_seconds) for each in transcribers)
