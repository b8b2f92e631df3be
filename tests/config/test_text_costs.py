"""No text of a stranger holds everybody else up: every function that takes one is linear in its length."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

import wabot
from tests.support import SAMPLE_KNOWLEDGE
from wabot.brain.brain import Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.knowledge.search.questions import questions_in
from wabot.brain.knowledge.sections import cut_sections
from wabot.brain.language import detect_language
from wabot.brain.output.body import UnreadableBody
from wabot.brain.output.reply_text import read_reply_text
from wabot.brain.output.splitting import split
from wabot.brain.settings import BrainSettings
from wabot.config.phrases import has_phrase, is_phrase, is_triggered
from wabot.config.settings import ChatSettings
from wabot.errors import WabotError

NOW = datetime(2026, 11, 22, 12, 0)
SAMPLE = SAMPLE_KNOWLEDGE
LENGTH = 10_000
#: Some fifty times what the slowest needs on a quiet machine; a quadratic one takes ten times longer still.
SECONDS = 0.4

PIECES = {
    "blanks": " ",
    "newlines": "\n",
    "line separators": "\u2028",
    "paragraph separators": "\u2029",
    "wide blanks": "\u3000",
    "no-break blanks": "\xa0",
    "tabs": "\t",
    "carriage returns": "\r\n",
    "nothing visible": "\u200b",
    "turned around": "\u202e",
    "blank and comma": " ,",
    "ands": " y",
    "commas and blanks": ",  ",
    "questions": "¿qué?",
    "question marks": "?",
    "digits": "1",
    "letters": "a",
    "capitals": "Ñ",
    "accents": "e\u0301",
    "dots": ".",
    "ats": "a@",
    "addresses": "http://a ",
    "backslashes": "\\",
    "brackets": "[(<{",
    "closed brackets": "]) >}",
    "stars": "*",
    "low lines": "_",
    "bars": "|",
    "quotes": "\"'`",
    "rules": "-=\n",
    "hellos": "hola ",
    "emoji": "🙂",
    "joined emoji": "👩\u200d",
    "zeros": "\x00",
    "digits apart": "1 2-",
    "plus": "+34 ",
    "thoughts": "<think>",
    "thoughts that end": "</think>",
    "channels": "<|channel|>",
    "calls": "<tool_call>",
    "objects": '{"name": ',
    "lists": "[1,\n",
    "words of control": "NO_REPLY ",
    "broken words of control": "no\\_",
    "roles": "\nuser: ",
    "headings": "# a\n",
    "entities": "&#95;",
}
#: What is typed at the terminal, and the program's own pages.
NOT_OF_STRANGERS = frozenset(
    {
        "wabot.__main__",
        "wabot.system.terminal",
        "wabot.cli.backup",
        "wabot.cli.chats",
        "wabot.cli.conversations",
        "wabot.cli.plain_text",
        "wabot.cli.send",
    }
)
NAMES = frozenset({"text", "question", "markdown", "heading", "title", "word", "said", "body_text"})


def discovered() -> dict[str, Callable[[str], Any]]:
    """Every function of wabot whose first argument is a text and that needs nothing else."""
    found: dict[str, Callable[[str], Any]] = {}
    with _without_the_library():
        return _discovered(found)


class _LibraryLoaded(ImportError):
    """A module needs the client library, which breaks in a process that has tests.support.neonize_events."""


@contextmanager
def _without_the_library() -> Iterator[None]:
    class Guard:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name in ("neonize", "neonize.client", "neonize.events", "neonize._binder"):
                raise _LibraryLoaded(name)

    guard: Any = Guard()
    sys.meta_path.insert(0, guard)
    try:
        yield
    finally:
        sys.meta_path.remove(guard)


def _discovered(found: dict[str, Callable[[str], Any]]) -> dict[str, Callable[[str], Any]]:
    for module in pkgutil.walk_packages(wabot.__path__, "wabot."):
        if (
            ".emulator" in module.name
            or ".trials" in module.name
            or ".migrations" in module.name
            or module.name in NOT_OF_STRANGERS
        ):
            continue
        try:
            loaded = importlib.import_module(module.name)
        except _LibraryLoaded:
            continue
        for name, function in vars(loaded).items():
            function = inspect.unwrap(function) if callable(function) else function
            if not inspect.isfunction(function) or function.__module__ != module.name:
                continue
            first, *others = inspect.signature(function).parameters.values() or (None,)
            if first is None or first.name not in NAMES or first.annotation != "str":
                continue
            if all(other.default is not inspect.Parameter.empty for other in others):
                found[f"{module.name}.{name}"] = function
    return found


KNOWING = Brain(BrainSettings(knowledge_folder=SAMPLE))


def _answer(text: str) -> Any:
    return KNOWING.reply(Conversation((Turn("user", text, NOW),), "es", text), NOW)


OTHERS: dict[str, Callable[[str], Any]] = {
    "a whole answer": _answer,
    "language": lambda text: detect_language(text, "es"),
    "split": lambda text: split(text, 4000, 3),
    "split into small parts": lambda text: split(text, 50, 20),
    "what a model wrote": read_reply_text,
    "what a model wrote, cut": lambda text: read_reply_text(text, was_cut=True),
    "sections": lambda text: cut_sections(text, 300),
    "phrases": lambda text: has_phrase(text, ChatSettings().escalation_words),
    "a phrase": lambda text: is_phrase(text, ChatSettings().opt_out_words),
    "a word that begins a chat": lambda text: is_triggered(text, "keyword", "contains", ("hola", "precio")),
}
FUNCTIONS = discovered() | OTHERS


def texts_of(piece: str) -> tuple[str, str]:
    many = piece * (LENGTH // len(piece))
    return many + "a", "¿qué " + many + "y?"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_text_costs_more_than_its_length(name: str) -> None:
    function = FUNCTIONS[name]
    for kind, piece in PIECES.items():
        for text in texts_of(piece):
            # What is not linear is slow each time; a busy machine is not.
            assert any(seconds_of(function, text) < SECONDS for _ in range(3)), (kind, text[:8])


def seconds_of(function: Callable[[str], object], text: str) -> float:
    """What it costs; a function may refuse a text, and has to do that soon as well."""
    started = time.thread_time()
    with contextlib.suppress(ValueError, LookupError, AttributeError, WabotError, UnreadableBody):
        function(text)
    return time.thread_time() - started


def test_the_functions_that_take_a_text_are_found() -> None:
    assert {
        "wabot.brain.knowledge.search.questions.questions_in",
        "wabot.brain.output.cleaning.clean",
        "wabot.brain.language.sure_language",
        "wabot.brain.knowledge.search.terms.words",
        "wabot.brain.small_talk.small_talk_in",
        "wabot.config.phrases.normalized",
        "wabot.system.masking.mask_numbers",
    } <= FUNCTIONS.keys()


def test_a_question_among_ten_thousand_blanks_is_taken_apart_at_once() -> None:
    text = "¿a qué hora abren" + " " * 10_400 + "y cuánto cuesta el té?"
    started = time.thread_time()
    assert questions_in(text)
    assert questions_in(" " * 10_400 + "a") == [" " * 10_400 + "a"]
    assert time.thread_time() - started < 0.5
