"""Tells what PostgreSQL refuses until a person mends it from what heals by itself."""

from __future__ import annotations

import ctypes
import logging
import re
from functools import cache
from typing import Any, NamedTuple

import psycopg2

log = logging.getLogger(__name__)


class Refusal(NamedTuple):
    """What is wrong, and what to do about it, in plain words and without any secret."""

    cause: str
    cure: str


_MEND = "mend database.url, or the secret that it names"
# By how the SQLSTATE begins (PostgreSQL, appendix A); the first that fits.
_BY_SQLSTATE = {
    "28P01": Refusal(
        "wrong password or role", "put the right ones into database.url, or into the secret that it names"
    ),
    "28": Refusal(
        "the role may not come in",
        f"{_MEND}; or, on the server, give the role LOGIN and let it in by pg_hba.conf",
    ),
    "3D": Refusal("no such database", f"{_MEND}; or CREATE DATABASE on the server"),
    "42501": Refusal(
        "the role may not use this database", f"on the server: GRANT CONNECT ON DATABASE to it; or {_MEND}"
    ),
    "42": Refusal("a wrong parameter in the address", f"look behind the ? in it: {_MEND}"),
    "22": Refusal("a wrong parameter in the address", f"look behind the ? in it: {_MEND}"),
}
# PgBouncer has one SQLSTATE, 08P01, for all it has to say, and says it in English (measured with 1.18).
_POOLER = (
    (
        r"unsupported startup parameter",
        Refusal(
            "the pooler refuses wabot's settings",
            "set ignore_startup_parameters = options in pgbouncer.ini; better, give database.url the "
            "address of PostgreSQL itself",
        ),
    ),
    (r"no such database|^FATAL.* database .* does not exist", _BY_SQLSTATE["3D"]),
    (r"no such user|authentication failed", _BY_SQLSTATE["28P01"]),
)
# The client's own words come before anything is asked of a server. They are not translated: Python leaves
# LC_MESSAGES at "C" (measured with the libpq 17 in psycopg2-binary 2.9).
_BY_CLIENT = (
    (r"fe_sendauth: no password supplied", _BY_SQLSTATE["28P01"]),
    (r"invalid \S+ (value|number)|invalid integer value", _BY_SQLSTATE["22"]),
    (
        r"server does not support SSL|root certificate file|certificate verify failed|server certificate for",
        Refusal(
            "no encryption as sslmode demands it",
            f"switch it on at the server, with a certificate that is known here; or {_MEND}",
        ),
    ),
)
_VERBOSE, _USUAL = 2, 1  # PQERRORS_VERBOSE, PQERRORS_DEFAULT (libpq-fe.h)


def show_sqlstate(connection: Any, shown: bool) -> None:
    """Let what the server says while connecting begin with its SQLSTATE.

    psycopg2 has a `pgcode` for what a statement met, and none for what a connection met (measured with 2.9):
    there, the text is all there is, and the server writes it in the language of its `lc_messages`. libpq puts
    the code before it, if it is told to before it hears from the server.

    Args:
        connection: one that is being made, in psycopg2's wait callback.
        shown: False for the usual form.
    """
    set_verbosity = _verbosity_of_libpq()
    if set_verbosity is not None:
        set_verbosity(ctypes.c_void_p(connection.pgconn_ptr), _VERBOSE if shown else _USUAL)


@cache
def _verbosity_of_libpq() -> Any:
    """PQsetErrorVerbosity of whichever libpq psycopg2's module was linked to; None where it shows none."""
    found = getattr(ctypes.CDLL(psycopg2._psycopg.__file__), "PQsetErrorVerbosity", None)
    if found is None:
        log.warning("psycopg2 hides PQsetErrorVerbosity: a login that PostgreSQL refuses is tried again")
    return found


def without_source(message: str) -> str:
    """What a server said, without the place in its source that comes with the SQLSTATE."""
    return re.sub(r"\nLOCATION:.*", "", message).strip()


def refusal(error: Exception) -> Refusal | None:
    """What a person has to mend before a connection can be made; None for what heals by itself.

    A server that starts, stops, has no connection free (53300) or cannot be reached heals.

    Args:
        error: psycopg2's or peewee's, from an attempt to connect.
    """
    # Where an address has several hosts, or encryption is only preferred, the last attempt decides.
    last = str(error).rpartition("connection to server")[2]
    code = re.search(r":  ([0-9A-Z]{5}): ", last)
    if code is None:
        return _first(_BY_CLIENT, last)
    if code[1] == "08P01":
        return _first(_POOLER, last)
    return next((found for begin, found in _BY_SQLSTATE.items() if code[1].startswith(begin)), None)


def _first(table: tuple[tuple[str, Refusal], ...], message: str) -> Refusal | None:
    return next((found for pattern, found in table if re.search(pattern, message)), None)
