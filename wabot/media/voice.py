"""Who listens to voice notes: bounded by what they really play, and by what a day may cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wabot.brain.settings import TranscriberSettings
from wabot.brain.transcription.chain import NotHeard, TranscriptionChain, longest_seconds
from wabot.brain.transcription.sound import UnknownSound, read_sound
from wabot.config.settings import MediaSettings
from wabot.database.models import ReceivedFile
from wabot.media.worker import NotUnderstood, Understood

_LEAST_BYTES = 200
"""What is shorter holds no sound: servers answer it with words that nobody spoke."""


class VoiceReader:
    """Has voice notes transcribed. Safe to share by threads.

    Args:
        chain: asks the transcribers.
        transcribers: these.
        media: how large and how long a note may be.
        account_language: what is spoken where the chat does not tell.

    Attributes:
        most_bytes: how large one may be.
    """

    def __init__(
        self,
        chain: TranscriptionChain,
        transcribers: Sequence[TranscriberSettings],
        media: MediaSettings,
        account_language: str,
    ) -> None:
        self._chain = chain
        self._transcribers = transcribers
        self._longest_seconds = media.voice_longest_seconds
        self._account_language = account_language
        self.most_bytes = media.voice_max_bytes

    def seconds(self, row: ReceivedFile) -> float:
        """How long it may take to have a note transcribed, whatever its sender says of its length."""
        return longest_seconds(self._transcribers, self._longest_seconds)

    def read(self, row: ReceivedFile, path: Path) -> Understood | None:
        """What is said in a note.

        Raises:
            NotUnderstood: nobody can say.
            BudgetUnknown: whether somebody may be asked is not known.
        """
        if path.stat().st_size < _LEAST_BYTES:
            return Understood("", "")
        try:
            sound = read_sound(path, row.seconds)
        except UnknownSound as error:
            raise NotUnderstood(str(error), worth_retry=False) from None
        if sound.seconds > self._longest_seconds:
            raise NotUnderstood(
                f"it plays {sound.seconds:.0f} s, allowed are {self._longest_seconds:.0f}", worth_retry=False
            )
        chat = row.message.chat
        language = chat.language or self._account_language
        try:
            heard = self._chain.transcribe(sound, language, self.seconds(row), str(chat.id))
        except NotHeard as error:
            raise NotUnderstood(str(error), worth_retry=error.worth_retry) from None
        return Understood(heard.text, heard.transcriber)
