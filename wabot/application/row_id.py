"""Ids for rows of a table that has no default for them, because the application's library makes them."""

from __future__ import annotations

import itertools
import os
import secrets
import time
import uuid

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_counter = itertools.count(secrets.randbelow(36**4))


def new_row_id(column_type: str = "text") -> str:
    """A new id: a UUID where the column is one, elsewhere 25 characters in the form of a cuid.

    That is "c", the time in milliseconds, a counter, the process, and chance, all in base 36; ids made later
    sort later, which keeps an index compact.
    """
    if column_type == "uuid":
        return str(uuid.uuid4())
    parts = (
        (time.time_ns() // 1_000_000, 8),
        (next(_counter), 4),
        (os.getpid(), 4),
        (secrets.randbits(64), 8),
    )
    return "c" + "".join(_in_base36(number, digits) for number, digits in parts)


def _in_base36(number: int, digits: int) -> str:
    letters = []
    for _ in range(digits):
        number, digit = divmod(number, 36)
        letters.append(_DIGITS[digit])
    return "".join(reversed(letters))
