"""Makes any text harmless in a terminal."""

from __future__ import annotations


def printable(text: object) -> str:
    """The text on one line, with a "�" for what would steer a terminal or turn the reading direction.

    What stands in a row of the database may have been written by others.
    """
    return "".join(sign if sign.isprintable() else "�" for sign in " ".join(str(text).split()))
