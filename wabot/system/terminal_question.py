"""Asks the operator before something is changed."""

from __future__ import annotations


def answers_yes(question: str) -> bool:
    """Whether the answer is yes, in one of the three languages; where nobody can answer, it is no."""
    try:
        return input(question).strip().lower() in ("y", "yes", "s", "si", "sí", "sim")
    except EOFError:
        print()
        return False
