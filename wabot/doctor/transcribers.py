"""Checks whether the configured transcribers take what customers speak: a voice note, as phones make them."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from wabot.brain.output.completion import ProviderError
from wabot.brain.settings import TranscriberSettings
from wabot.brain.transcription.sound import read_sound
from wabot.brain.transcription.transcriber import Transcriber
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.doctor.models import MOST_WORDS_OF_OTHERS, is_here

_LONGEST_SECONDS = 60.0
# A second of silence: Opus in Ogg (RFC 7845).
_SILENCE = base64.b64decode(
    "T2dnUwACAAAAAAAAAAABAAAAAAAAAIRs2SQBE09wdXNIZWFkAQEAAIC7AAAAAABPZ2dTAAAAAAAAAAAAAAEAAAABAAAALFVaEgEf"
    "T3B1c1RhZ3MFAAAAd2Fib3QBAAAABgAAAFdPUkRTPU9nZ1MABIC7AAAAAAAAAQAAAAIAAADpVDPGMgMDAwMDAwMDAwMDAwMDAwMD"
    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD+P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/+"
    "+P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/+"
    "+P/++P/++P/++P/++P/++P/++P/++P/++P/++P/++P/+"
)


def check_transcribers(examined: Examined) -> list[Finding]:
    """Have each listen to a second of silence; those on other machines only when that is allowed."""
    transcribers = examined.settings.ai.transcribers
    found = [_ask(examined, transcriber) for transcriber in transcribers]
    if transcribers and examined.settings.connection.proxy.startswith("socks"):
        text = "voice notes are not fetched: connection.proxy is a SOCKS proxy"
        found.append(problem("media", text, f"name an http proxy in {examined.configuration}"))
    return found


def _ask(examined: Examined, settings: TranscriberSettings) -> Finding:
    name = f"ai {settings.name}"
    if not examined.online and not is_here(settings.base_url):
        return healthy(name, "not asked, it is on another machine; with --online it is")
    with tempfile.NamedTemporaryFile() as file:
        file.write(_SILENCE)
        file.flush()
        sound = read_sound(Path(file.name), 1)
        try:
            Transcriber(settings).transcribe(sound, examined.settings.account.language, _LONGEST_SECONDS)
        except ProviderError as error:
            said = " ".join(error.said.split())[:MOST_WORDS_OF_OTHERS]
            text = f"{error.explanation}; it says: {said}" if said else error.explanation
            return problem(name, text, _cure(examined, settings, error))
    return healthy(name, f"{settings.model or settings.kind} listens to voice notes")


def _cure(examined: Examined, settings: TranscriberSettings, error: ProviderError) -> str:
    section = f"[[ai.transcribers]] {settings.name} in {examined.configuration}"
    match error.kind:
        case "unreachable" | "dropped" | "timeout" | "unavailable":
            return f"start it, or edit the base_url of {section}"
        case "rate_limited":
            return "wait, or raise the limit of the account there"
        case "no_credit":
            return "add credit to the account there, or raise its spending limit"
        case "unauthorized":
            return f"edit the api_key of {section}"
        case "not_found" if "model" in error.explanation:
            load = f"load {settings.model} there, or " if is_here(settings.base_url) else ""
            return f"{load}edit the model of {section}"
        case "not_found" | "redirected" | "malformed":
            other = "whisper.cpp" if settings.kind == "openai" else "openai"
            return f'edit the base_url of {section}, or its kind: "{other}"'
        case "rejected" if settings.kind == "whisper.cpp" or "Ogg" in error.explanation:
            return "start it so that it reads Ogg/Opus (whisper.cpp: with --convert, and ffmpeg installed)"
        case _:
            return f"edit {section}: base_url, model, api_key"
