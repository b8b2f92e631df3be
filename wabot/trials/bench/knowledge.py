"""
Measures a knowledge base on questions whose answers are known: how often the right passage comes first.

`python -m wabot.trials.bench.knowledge FOLDER QUESTIONS.json [SHOPS]` prints the figures and every
question it got wrong. The file holds an object of two lists: "known", each {"question", "language",
"source", "title"} with the file and the heading that answer; and "unknown", each {"question",
"language"}, about other things, to be declined.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wabot.brain.knowledge.base import KNOWN, KnowledgeBase
from wabot.trials.bench.shops import Figures, measure_shop


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one measurement; `mistakes` are lines for people."""

    known: int
    found_first: int
    answered: int
    unknown: int
    declined: int
    median_milliseconds: float
    mistakes: tuple[str, ...]

    def __str__(self) -> str:
        """The figures in one line."""
        return (
            f"right passage first {self.found_first}/{self.known}, "
            f"answered rightly {self.answered}/{self.known}, "
            f"off-topic declined {self.declined}/{self.unknown}, "
            f"median search {self.median_milliseconds:.2f} ms"
        )


def measure_quality(
    knowledge: KnowledgeBase, known: Sequence[Mapping[str, str]], unknown: Sequence[Mapping[str, str]]
) -> Quality:
    """Ask every question; "answered" are those whose right passage came first and above the threshold."""
    durations: list[float] = []
    mistakes: list[str] = []
    found_first = answered = declined = 0

    def ask(question: Mapping[str, str]) -> tuple[str, str, float]:
        started = time.perf_counter()
        best = knowledge.search(question["question"], question["language"], limit=1)
        durations.append(1000 * (time.perf_counter() - started))
        return (best[0].source, best[0].title, best[0].score) if best else ("", "", 0.0)

    for question in known:
        source, title, score = ask(question)
        right = (source, title) == (question["source"], question["title"])
        found_first += right
        answered += right and score >= KNOWN
        if not right or score < KNOWN:
            mistakes.append(f"{question['question']!r}: found {title!r} in {source!r}, score {score:.2f}")
    for question in unknown:
        _, title, score = ask(question)
        declined += score < KNOWN
        if score >= KNOWN:
            mistakes.append(
                f"{question['question']!r}: should be declined, found {title!r}, score {score:.2f}"
            )
    return Quality(
        len(known),
        found_first,
        answered,
        len(unknown),
        declined,
        statistics.median(durations) if durations else 0.0,
        tuple(mistakes),
    )


def main(arguments: Sequence[str]) -> int:
    """Print the figures of a folder on a file of questions; return an exit code."""
    parser = argparse.ArgumentParser(prog="python -m wabot.trials.bench.knowledge", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of Markdown files")
    parser.add_argument("questions", type=Path, help="the JSON file of questions")
    parser.add_argument(
        "shops", type=Path, nargs="?", help='a folder of groups of shops, as "tuned" and "unseen"'
    )
    options = parser.parse_args(arguments)
    questions: dict[str, Any] = json.loads(options.questions.read_text(encoding="utf-8"))
    quality = measure_quality(KnowledgeBase(options.folder), questions["known"], questions["unknown"])
    print(quality)
    for mistake in quality.mistakes:
        print("  " + mistake)
    for group in sorted(options.shops.iterdir()) if options.shops else ():
        _print_shops(group)
    return 0


def _print_shops(group: Path) -> None:
    """Print the figures of each shop of a group, and of all of them.

    What went wrong is told of those alone that may be tuned on: who reads it of the others has seen them.
    """
    together = Figures()
    for shop in sorted(group.iterdir()):
        figures = measure_shop(shop)
        together.add(figures)
        print(f"{group.name} {shop.name}: {figures}")
        for mistake in figures.mistakes if group.name == "tuned" else ():
            print("  " + mistake)
    print(f"{group.name} in sum: {together}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
