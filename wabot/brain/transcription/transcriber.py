"""One server that listens: sends it a file of sound, and trusts nothing of what it says was spoken."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any

from wabot.brain.output.body import RawAnswer, UnreadableBody, read_document, read_text
from wabot.brain.output.complaints import read_complaint
from wabot.brain.output.completion import ErrorKind, ProviderError
from wabot.brain.providers.endpoint import Endpoint
from wabot.brain.settings import TranscriberSettings
from wabot.brain.transcription.form import SoundForm
from wabot.brain.transcription.silence import is_of_silence
from wabot.brain.transcription.sound import Sound
from wabot.system.http import Deadline

_PATHS = {"openai": "/audio/transcriptions", "whisper.cpp": "/inference"}
_MOST_CHARACTERS = 20_000
_WRONG_FORMAT = re.compile(
    r"(?:file|audio) (?:format|data|file)|unsupported\w*.{0,20}format|decod|ffmpeg|corrupted"
    r"|invalid (?:file|audio)",
    re.IGNORECASE,
)
# What a recording may hold besides words would turn lines around or end them.
_ODD_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

log = logging.getLogger(__name__)


class Transcriber:
    """Asks one server. Safe to share by threads."""

    def __init__(self, settings: TranscriberSettings) -> None:
        self.settings = settings
        self._boundary = secrets.token_hex(16)
        url = settings.base_url.rstrip("/") + _PATHS[settings.kind]
        content_type = f"multipart/form-data; boundary={self._boundary}"
        self._endpoint = Endpoint(settings.who, url, settings.api_key, content_type)

    def transcribe(self, sound: Sound, language: str, timeout_seconds: float) -> str:
        """What is said in a file of sound; "" where nothing was heard.

        Args:
            sound: the file.
            language: of the chat, as a code.
            timeout_seconds: for all of it, if the server's own timeout is not shorter.

        Raises:
            ProviderError: whatever went wrong. "rejected" and "too_long" are this file's fault.
            OSError: the file cannot be read.
        """
        seconds = min(timeout_seconds, self.settings.call_seconds(sound.seconds))
        with SoundForm(self._fields(language), sound, self._boundary) as form, Deadline(seconds) as deadline:
            answer, wait = self._endpoint.post(form, seconds, deadline)
        if answer.status >= 400:
            raise self._refusal(answer, wait)
        return _cleaned(self._text_in(answer))

    def _fields(self, chat_language: str) -> dict[str, str]:
        settings = self.settings
        language = chat_language if settings.language == "chat" else settings.language
        fields = {"response_format": "json", "temperature": "0"}
        if settings.model:
            fields["model"] = settings.model
        if language != "auto":
            fields["language"] = language
        elif settings.kind == "whisper.cpp":
            # It takes everything for English where nobody says otherwise.
            fields["language"] = "auto"
        return fields

    def _text_in(self, answer: RawAnswer) -> str:
        try:
            document = read_document(answer)
        except UnreadableBody as error:
            kind: ErrorKind = "too_large" if error.too_large else "malformed"
            raise self._endpoint.error(kind, str(error)) from None
        text = document.get("text") if isinstance(document, dict) else None
        if isinstance(text, str):
            return text
        if isinstance(document, dict) and document.get("error"):
            raise self._refusal(answer, None)
        raise self._endpoint.error("malformed", "its answer has no text in it")

    def _refusal(self, answer: RawAnswer, wait: float | None) -> ProviderError:
        document = _document_in(answer)
        complaint = read_complaint(answer.status, document, bool(self.settings.api_key))
        kind, explanation = complaint.kind, complaint.explanation
        said = self._endpoint.without_key(complaint.said)
        log.debug("%s answered %d: %r", self.settings.who, answer.status, said)
        answered = explanation.partition(":")[0]
        if answer.status == 413 or kind == "too_long":
            kind, explanation = "too_long", f"{answered}: the voice note is larger than it takes"
        elif answer.status in (400, 415, 422, 500) and _WRONG_FORMAT.search(said):
            advice = "; start whisper.cpp's server with --convert" if self._may_convert else ""
            kind, explanation = "rejected", f"{answered}: it does not take voice notes (Ogg/Opus){advice}"
        elif kind in ("refused", "rejected"):
            kind, explanation = "rejected", f"{answered}: it refuses this voice note"
        return ProviderError(self.settings.who, kind, explanation, wait, None, said)

    @property
    def _may_convert(self) -> bool:
        """Whether it may be a server that reads Ogg only if it is told to."""
        return self.settings.kind == "whisper.cpp" or not self.settings.model


def _document_in(answer: RawAnswer) -> Any:
    try:
        return read_document(answer)
    except UnreadableBody:
        pass
    try:
        return read_text(answer)
    except UnreadableBody:
        return None


def _cleaned(text: str) -> str:
    """What was heard as one text: servers begin with a blank, and break the line where they like."""
    heard = " ".join(_ODD_CHARACTERS.sub(" ", text[:_MOST_CHARACTERS]).split())
    return "" if is_of_silence(heard) else heard
