"""
Takes a section apart into facts: the rows, items, lines and sentences that each answer by themselves.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Sentences of a paragraph up to this long are said together: they were written to be read so.
_SHORT_PARAGRAPH_CHARACTERS = 220
_MOST_FACTS = 12

# A sentence ends before a capital, an opening mark or a digit; not in "C.P. 44260", "a.m." or "Av. Juárez".
_SENTENCE_END = re.compile(r"(?<=[^\s.]{3}[.!?…])\s+(?=[^\sa-zà-ÿ(])|(?<=[\d€$£%)][.!?])\s+(?=[^\W\da-zà-ÿ])")
# What ends with a full stop and no sentence with it.
_ABBREVIATED = re.compile(
    r"(?:^|[\s*(])(?:av|avda|ave|bv|blvd|calz|c|col|cp|ctra|dr|dra|edif|ej|esq|ext|int|loc|max|máx|min|"
    r"mín|n|no|num|núm|of|p|pl|plza|pza|r|rd|"
    r"sr|sra|st|tel|tels|ud|uds|urb)\.$",
    re.IGNORECASE,
)
_QUESTION_MARK = re.compile(r"(?:\*\*)?(?:q|p|pregunta|pergunta|question)\s*[:.)]\s*", re.IGNORECASE)
_ANSWER_MARK = re.compile(r"(?:\*\*)?(?:a|r|respuesta|resposta|answer)\s*[:.)]\s*(?:\*\*)?\s*", re.IGNORECASE)
_LINK_ALONE = re.compile(r"(?:[-*+•]\s+)?(?:!?\[[^\[\]\n]{0,300}\]\([^()\n]{1,300}\)\W*)+$")
_ITEM = re.compile(r"\s*(?:[-*+•–]|\d{1,2}[.)])\s+")
_LABEL = re.compile(r"(?:\s*(?:[-*+•–]|\d{1,2}[.)])\s+)?([^:\n]{2,60}?)(?::|\s[–—-]\s|\s[€$£]|\sR\$)")
_ASKED = re.compile(r"(?:\*\*)?(¿?[^.!?*\n]{4,120}\?)(?:\*\*)?\s*")


@dataclass(frozen=True, slots=True)
class TextFact:
    """A piece of a section.

    Attributes:
        text: what is said.
        line: the number of its line within the section.
        question: what the line says it answers, as "Do you take cards? Yes."; "" for most.
        goes_along: whether it is a link of the whole section, said whatever else is.
    """

    text: str
    line: int
    question: str = ""
    goes_along: bool = False

    @property
    def label(self) -> str:
        """What a row or an item is about: "Yoga" of "Yoga: Tuesdays"; "" for a sentence."""
        found = _LABEL.match(self.text)
        return found[1] if found else ""


def facts_of(section: str) -> list[TextFact]:
    """The facts of a section's text, in order."""
    facts: list[TextFact] = []
    question = ""
    for number, line in enumerate(section.splitlines()):
        text = line.strip()
        if not text or text.startswith(("```", "~~~")):
            continue
        if _LINK_ALONE.match(text):
            if facts and facts[-1].line == number - 1:
                # What follows a line at once belongs to it.
                facts[-1] = replace(facts[-1], text=f"{facts[-1].text}\n{text}")
            else:
                facts.append(TextFact(text, number, goes_along=True))
            continue
        if (marked := _QUESTION_MARK.match(text)) or (question and (marked := _ANSWER_MARK.match(text))):
            text = text[marked.end() :]
        asked = _ASKED.match(text)
        if asked:
            question, text = asked[1], text[asked.end() :]
            if not text:
                continue
        pieces = [text] if _ITEM.match(text) else _sentences_of(text)
        facts.extend(TextFact(piece, number, question) for piece in pieces if piece)
        question = ""
    return facts


def _sentences_of(text: str) -> list[str]:
    sentences: list[str] = []
    for piece in _SENTENCE_END.split(text):
        if sentences and _ABBREVIATED.search(sentences[-1]):
            sentences[-1] += f" {piece}"
        else:
            sentences.append(piece)
    return sentences


def said_with(facts: Sequence[TextFact], scores: Sequence[float], share: float) -> str:
    """The facts of a section that answer as well as its best, as they are said; bounded in number.

    Args:
        facts: all of the section.
        scores: how well each fits.
        share: how much of the best one's score another must have.
    """
    best = max(scores, default=0.0)
    chosen = {
        number for number, score in enumerate(scores) if score >= share * best or facts[number].goes_along
    }
    chosen |= {
        number
        for number, fact in enumerate(facts)
        if any(facts[other].line == fact.line for other in chosen) and _is_short(facts, fact.line)
    }
    lines: dict[int, list[str]] = {}
    for number in sorted(chosen)[:_MOST_FACTS]:
        lines.setdefault(facts[number].line, []).append(facts[number].text)
    return "\n".join(" ".join(pieces) for pieces in lines.values())


def _is_short(facts: Sequence[TextFact], line: int) -> bool:
    return sum(len(fact.text) + 1 for fact in facts if fact.line == line) <= _SHORT_PARAGRAPH_CHARACTERS
