"""What a command still needs root for, when root has become the owner of the state: a fixed list of deeds.

A process that was forked before does them, and hands back what came of it. It takes names and texts, as JSON,
and each deed decides itself what it does with them. Where nobody had to become somebody else, the deeds are
done here.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from wabot.errors import OperatorNeeded, WabotError

Deed = Callable[..., Any]

_MOST_BYTES = 1_000_000

_deeds: Mapping[str, Deed] = {}
_hand: _Hand | None = None
_at_end: list[Callable[[], None]] = []


class _Hand:
    """The process.

    Args:
        deeds: by their names.
        be_first: called in the process before anything else.
        at_end: called there when this side has ended, however that happened.
    """

    def __init__(
        self, deeds: Mapping[str, Deed], be_first: Callable[[], None], at_end: Callable[[], None]
    ) -> None:
        self._connection, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._connection.close()
            try:
                # Ctrl-C is for the command; this one ends when that has.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                be_first()
                try:
                    _serve(theirs, deeds)
                finally:
                    at_end()
            finally:
                os._exit(0)
        theirs.close()

    def ask(self, name: str, arguments: Mapping[str, Any]) -> None:
        self._connection.send_bytes(json.dumps([name, arguments]).encode())

    def answer(self) -> Any:
        try:
            kind, answer = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise OperatorNeeded("the process that does what root is needed for was killed") from None
        if kind == "refused":
            raise OperatorNeeded(answer)
        if kind == "failed":
            raise OSError(*answer)
        return answer

    def close(self) -> None:
        self._connection.close()
        os.waitpid(self._pid, 0)


def lend(deeds: Mapping[str, Deed], at_end: Callable[[], None] = lambda: None) -> None:
    """Do these deeds in this process itself.

    Args:
        deeds: by their names.
        at_end: what is done when they are not needed any more.
    """
    global _deeds
    end()
    _deeds = deeds
    _at_end.append(at_end)


def leave(
    deeds: Mapping[str, Deed],
    be_first: Callable[[], None] = lambda: None,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Fork a process that stays who this one is, and does these deeds; before any thread is started.

    Args:
        deeds: by their names.
        be_first: what that process does before, such as to become a third user.
        at_end: what it does at last, also when this process was killed.
    """
    global _hand
    end()
    _hand = _Hand(deeds, be_first, at_end)


def do(name: str, /, **arguments: Any) -> Any:
    """Do a deed, or have it done, and wait for its answer.

    Args:
        name: of the deed.
        arguments: what JSON can hold.

    Returns:
        What JSON can hold, too.

    Raises:
        OperatorNeeded, OSError: as the deed raised it.
    """
    return begin(name, **arguments)()


def begin(name: str, /, **arguments: Any) -> Callable[[], Any]:
    """Begin a deed that is fed meanwhile; what is returned waits for its answer."""
    if _hand is None:
        return lambda: _deeds[name](**arguments)
    _hand.ask(name, arguments)
    return _hand.answer


def is_elsewhere() -> bool:
    """Whether another process does the deeds."""
    return _hand is not None


def end() -> None:
    """End the process, and wait for that."""
    global _hand, _deeds
    _deeds = {}
    while _at_end:
        _at_end.pop()()
    if _hand is not None:
        hand, _hand = _hand, None
        hand.close()


def _serve(connection: Connection, deeds: Mapping[str, Deed]) -> None:
    while True:
        try:
            name, arguments = json.loads(connection.recv_bytes(_MOST_BYTES))
        except EOFError:
            return
        try:
            answer = ["done", deeds[name](**arguments)]
        except WabotError as error:
            answer = ["refused", str(error)]
        except OSError as error:
            answer = ["failed", [error.errno, error.strerror, error.filename and str(error.filename)]]
        connection.send_bytes(json.dumps(answer).encode())
