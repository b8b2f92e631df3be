"""Measures what files cost the bot, against the same bot with texts in their place: `scripts/bench media`.

Voice notes come at once and one by one, a large document comes, and a picture goes out. How long a note takes
is held against the transcriber's own time; texts in other chats, and memory, against the run without files.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wabot.emulator.people.attachments import File
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.sample_files import JPEG, PDF, silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.system.terminal import until_interrupted
from wabot.trials.bench.bots import TIMEOUT_SECONDS, Wabot, ask, forget_peak, peak_mb, send
from wabot.trials.bench.messages import Figures, Goal, as_table, compared, machine
from wabot.trials.peers.model_behaviours import completion, texts_of
from wabot.trials.peers.model_server import Handler, ModelServer
from wabot.trials.peers.transcriber_behaviours import hear

_AT_ONCE = 50
_ONE_BY_ONE = 10
_TRIPS = 300
_TRANSCRIBER_SECONDS = 0.3
_QUESTION = "What are your opening hours?"
_PICTURE_QUESTION = "Do you have terracotta pots?"
_NOTE = File(silent_voice(60), "audio/ogg; codecs=opus")
_DOCUMENT = File(PDF + b"%" + bytes(16_000_000 - len(PDF)), "application/pdf", "prices.pdf")
_PICTURE = JPEG + bytes(1_000_000 - len(JPEG))
_POTS = b"# Terracotta pots\n\nTerracotta pots: of all sizes.\n"
_PLAIN_TEXTS = {"pots.md": _POTS}
_TEXTS = {"pots.md": _POTS + b"\n![Terracotta pot, 24 cm](pot24.jpg)\n", "pot24.jpg": _PICTURE}
_CONFIGURATION = """\
[[ai.transcribers]]
name = "instant"
base_url = "{base_url}"
model = "instant"
[media]
per_chat_per_day = 0
"""
_NAMES = ("without", "with files")

GOALS = {
    "voice note to reply": Goal("ms", 300, "above"),
    "texts meanwhile, median": Goal("ms", 1.1),
    "peak, 50 voice notes at once": Goal("MB", 10, "above"),
    "peak, a document of 16 MB": Goal("MB", 10, "above"),
    "peak, a picture of 1 MB out": Goal("MB", 10, "above"),
}


def measure(emulator: Emulator, bot: Wabot, figures: Figures, *, with_files: bool) -> None:
    """Take one round of figures of a bot.

    Args:
        emulator: where it is linked.
        bot: not started yet.
        figures: where they go.
        with_files: whether customers send files, or texts in their place.
    """
    bot.start()
    speakers = [emulator.customer(number) for number in range(1, _AT_ONCE + 1)]
    # As many, so that nobody writes twice within what counts as a burst.
    writers = [emulator.customer(number) for number in range(_AT_ONCE + 1, 3 * _AT_ONCE + 1)]
    for customer in (*speakers, *writers):
        ask(customer)
    speak: Callable[[Customer], object] = _speak if with_files else send
    if with_files:
        notes = [_seconds_to_replies(speaker, speak) for speaker in speakers[:_ONE_BY_ONE]]
        figures.add("voice note to reply", 1000 * statistics.median(notes))
    else:
        figures.add("voice note to reply", 1000 * _TRANSCRIBER_SECONDS)
    forget_peak(bot.pid)
    with ThreadPoolExecutor(1, "speakers") as pool:
        everybody = pool.submit(_let_all, speakers, speak)
        if not with_files:
            everybody.result()
        trips = [ask(writers[turn % len(writers)]) for turn in range(_TRIPS)]
        everybody.result()
    figures.add("texts meanwhile, median", 1000 * statistics.median(trips))
    figures.add("peak, 50 voice notes at once", peak_mb(bot.pid))
    forget_peak(bot.pid)
    _seconds_to_replies(speakers[0], _send_document if with_files else send)
    figures.add("peak, a document of 16 MB", peak_mb(bot.pid))
    forget_peak(bot.pid)
    _seconds_to_replies(speakers[1], _ask_for_picture, 1 + with_files)
    figures.add("peak, a picture of 1 MB out", peak_mb(bot.pid))


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 even where a goal is missed, because the figures are the answer."""
    parser = argparse.ArgumentParser(prog="scripts/bench media", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn (default: 3)")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    without, with_files = Figures(), Figures()
    with ModelServer(_answer) as model, ModelServer(hear(_QUESTION, _TRANSCRIBER_SECONDS)) as transcriber:
        configuration = _CONFIGURATION.format(base_url=transcriber.base_url)
        for number in range(1, arguments.rounds + 1):
            for name, figures in zip(_NAMES, (without, with_files), strict=True):
                print(f"round {number} of {arguments.rounds}: {name} …", file=sys.stderr)
                is_with = figures is with_files
                with tempfile.TemporaryDirectory(prefix="wabot-bench-") as directory, Emulator() as emulator:
                    texts = _TEXTS if is_with else _PLAIN_TEXTS
                    bot = Wabot(emulator, Path(directory), model.base_url, configuration, texts)
                    try:
                        measure(emulator, bot, figures, with_files=is_with)
                        bot.stop()
                    finally:
                        bot.kill()
    rows = compared(without, with_files, GOALS)
    if arguments.json:
        rounds = {"without": without.rounds, "with files": with_files.rounds}
        print(json.dumps({"machine": machine(), "figures": rows, "rounds": rounds}, ensure_ascii=False))
    else:
        print(machine())
        print(as_table(rows, _NAMES))
    return 0


def _answer(handler: Handler, body: dict[str, Any]) -> None:
    """A model that answers at once, with a picture where somebody asks for pots."""
    is_about_pots = _PICTURE_QUESTION in texts_of(body)[-1]
    handler.send_json(completion("Yes, gladly. FILE_1" if is_about_pots else "Yes, gladly."))


def _speak(customer: Customer) -> None:
    customer.send_media("voice", _NOTE)


def _send_document(customer: Customer) -> None:
    customer.send_media("document", _DOCUMENT, caption=_QUESTION)


def _ask_for_picture(customer: Customer) -> None:
    customer.send(_PICTURE_QUESTION)


def _seconds_to_replies(customer: Customer, act: Callable[[Customer], object], count: int = 1) -> float:
    before = len(customer.replies)
    began = time.perf_counter()
    act(customer)
    customer.wait_for_replies(before + count, TIMEOUT_SECONDS)
    return time.perf_counter() - began


def _let_all(customers: Sequence[Customer], act: Callable[[Customer], object]) -> None:
    """Everybody does it at once; returns when each has a reply."""
    before = [len(customer.replies) for customer in customers]
    for customer in customers:
        act(customer)
    for customer, count in zip(customers, before, strict=True):
        customer.wait_for_replies(count + 1, TIMEOUT_SECONDS)


if __name__ == "__main__":
    until_interrupted(main)
