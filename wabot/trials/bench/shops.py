"""Shops with texts and questions whose answers are known, and how well each is answered.

A shop is a folder NAME.LANGUAGE with `texts/` and `questions.txt`, whose parts begin with a line "# PART":

    answerable     QUESTION => FACT | ANOTHER; one of the facts must stand in the answer, DECLINE for none
    unknown        what the texts do not say; behind "=>" what may be said all the same
    nothing fits   complaints, reports and what no shop answers: for a person
    person         who wants one
    small talk     answered like a person would

A question in another language than the shop's begins with its code: "[en] how much is it?".
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wabot.brain.brain import Answer, Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.language import detect_language
from wabot.brain.output.control_words import HAND_OVER
from wabot.brain.settings import BrainSettings
from wabot.brain.texts import texts_for
from wabot.clock import utc_now

_CODE = re.compile(r"\[(es|en|pt)\] ")


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a shop: `part` and `facts` as they stand in its file."""

    part: str
    text: str
    language: str
    facts: tuple[str, ...] = ()


@dataclass(slots=True)
class Figures:
    """Counts of one shop or of several; `mistakes` are lines for people."""

    counts: Counter[str] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Take in the figures of another shop."""
        self.counts.update(other.counts)
        self.durations += other.durations

    def share(self, what: str, of: str) -> float:
        """How many per cent of one count another is."""
        return 100 * self.counts[what] / max(1, self.counts[of])

    def __str__(self) -> str:
        """The figures in one line."""
        p95 = sorted(self.durations)[int(0.95 * len(self.durations))] if self.durations else 0.0
        return (
            f"right {self.share('right', 'asked'):.0f} %, wrong {self.share('wrong', 'asked'):.0f} %, "
            f"declined though known {self.share('declined', 'asked'):.0f} % of {self.counts['asked']}; "
            f"off-topic answered {self.share('answered', 'off-topic'):.0f} % of {self.counts['off-topic']}; "
            f"persons got {self.counts['handed over']}/{self.counts['person']}; "
            f"small talk {self.counts['talked']}/{self.counts['small talk']}; "
            f"language wrong {self.share('language wrong', 'heard'):.1f} % of {self.counts['heard']}; "
            f"fact in the prompt {self.share('in the prompt', 'facts'):.1f} %; p95 {p95:.1f} ms"
        )


def questions_of(shop: Path) -> Iterator[Question]:
    """The questions of a shop's folder."""
    usual = shop.suffix[1:]
    part = ""
    for line in (shop / "questions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            part = line[2:].strip()
        elif line.strip():
            asked, _, facts = line.partition(" => ")
            code = _CODE.match(asked)
            yield Question(
                part,
                asked[code.end() :] if code else asked,
                code[1] if code else usual,
                tuple(fact.strip() for fact in facts.split("|") if fact.strip()),
            )


def measure_shop(shop: Path) -> Figures:
    """Ask a shop's questions without a model, each in a chat of its own."""
    usual = shop.suffix[1:]
    brain = Brain(BrainSettings(knowledge_folder=shop / "texts"))
    figures = Figures()
    for question in questions_of(shop):
        conversation = Conversation((Turn("user", question.text, utc_now()),), usual)
        started = time.perf_counter()
        answer = brain.reply(conversation, utc_now())
        figures.durations.append(1000 * (time.perf_counter() - started))
        figures.counts["heard"] += 1
        heard = detect_language(question.text, default=usual)
        if heard != question.language:
            figures.counts["language wrong"] += 1
            figures.mistakes.append(f"language {heard}: {question.text!r}")
        if fault := _judge(question, answer, figures.counts):
            said = " / ".join(answer.parts).replace("\n", " / ")
            figures.mistakes.append(f"{fault}: {question.text!r}: {answer.source}: {said[:150]!r}")
        if question.part == "answerable" and question.facts != ("DECLINE",):
            figures.counts["facts"] += 1
            shown = " ".join(f"{each.title} {each.text}" for each in brain.passages_for_model(conversation))
            figures.counts["in the prompt"] += _holds(shown, question.facts)
    return figures


def _judge(question: Question, answer: Answer, counts: Counter[str]) -> str:
    """Count one answer; what is wrong with it, "" for nothing."""
    text = "\n".join(answer.parts)
    known = answer.source == "knowledge"
    match question.part:
        case "answerable" | "unknown":
            counts["asked"] += 1
            may_decline = question.part == "unknown" or "DECLINE" in question.facts
            right = _holds(text, question.facts) if known else may_decline
            verdict = "right" if right else "wrong" if known else "declined"
            counts[verdict] += 1
            return "" if right else verdict
        case "nothing fits":
            counts["off-topic"] += 1
            counts["answered"] += known
            return "answered" if known else ""
        case "person":
            counts["person"] += 1
            counts["handed over"] += HAND_OVER in answer.calls
            return "" if HAND_OVER in answer.calls else "not handed over"
        case _:
            counts["small talk"] += 1
            apologies = [texts_for(language).cannot_answer for language in ("es", "en", "pt")]
            talked = answer.source == "polite" and text not in apologies
            counts["talked"] += talked
            return "" if talked else "not talked"


def _holds(text: str, facts: tuple[str, ...]) -> bool:
    plain = " ".join(text.split())
    return any(fact in plain for fact in facts)
