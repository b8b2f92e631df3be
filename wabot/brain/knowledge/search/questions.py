"""Takes a message apart that asks several things at once. Pure."""

from __future__ import annotations

import re

# What begins a question in es, en and pt; only after "and" or a comma does it begin another one.
_ASKING = (
    "qu[eé]|cu[aá]l(?:es)?|cu[aá]nt[oa]s?|cu[aá]ndo|c[oó]mo|d[oó]nde|aceptan|tienen|hacen|env[ií]an|puedo|"
    "what|which|how|when|where|who|can i|can you|do you|are you|is there|is it|"
    "qual|quais|quant[oa]s?|quando|onde|aceitam|posso|voc[eê]s"
)
# Blanks begin it only where a row of them begins: from each other one the row would be read to its end again.
_AND = re.compile(
    rf"(?<!\s)\s*(?:,|\b(?:y|e|and))\s+(?=(?:a |de |en |em |at )?¿?(?:{_ASKING})\b)", re.IGNORECASE
)
_SENTENCE = re.compile(r"[^?\n]+\?*|\?+")
_GREETING = re.compile(r"(?<!\s)\s*(?:hola|buenas|hello|hi|hey|ol[aá]|oi)\b[^\w¿]*", re.IGNORECASE)
_OPENING = re.compile(rf"(?:a |de |en |em |at )?¿?(?:{_ASKING})\b", re.IGNORECASE)
_CLAUSE = re.compile(r"(?<=[?!.;,\n])\s+|\n")
_LONGEST_CHARACTERS = 1000


def questions_in(text: str) -> list[str]:
    """What a message asks, each question by itself; a message that asks one thing stays whole.

    Sentences that ask nothing go with the question that follows them: they are what it is about.
    """
    beginning = text[:_LONGEST_CHARACTERS]
    pieces: list[str] = []
    before = ""
    for sentence in _SENTENCE.findall(beginning):
        before += sentence
        if sentence.endswith("?"):
            pieces.append(before)
            before = ""
    if before.strip() and pieces:
        pieces[-1] += before
    questions = [part for piece in pieces or [beginning] for part in _taken_apart(piece)]
    return questions if len(questions) > 1 else [text]


def clauses_of(text: str) -> list[str]:
    """The clauses of a message, those that ask first; none for a message of one clause."""
    clauses = [clause.strip() for clause in _CLAUSE.split(text[:_LONGEST_CHARACTERS]) if clause.strip()]
    asking = [clause for clause in clauses if clause.endswith("?")]
    return [*asking, *(clause for clause in clauses if clause not in asking)] if len(clauses) > 1 else []


def _taken_apart(question: str) -> list[str]:
    asked = _GREETING.sub("", question, count=1).strip()
    return _AND.split(asked) if _OPENING.match(asked) else [question]
