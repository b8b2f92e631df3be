"""What a command still needs root for, when root has become the owner of the state: a fixed list of tasks.

A process that was forked before does them, and hands back what came of it. It takes names and texts, as JSON,
and each task decides itself what it does with them. Where nobody had to become somebody else, the tasks are
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

Task = Callable[..., Any]

_MOST_BYTES = 1_000_000

_tasks: Mapping[str, Task] = {}
_hand: _Hand | None = None
_at_end: list[Callable[[], None]] = []


class _Hand:
    """The process.

    Args:
        tasks: by their names.
        be_first: called in the process before anything else.
        at_end: called there when this side has ended, however that happened.
    """

    def __init__(
        self, tasks: Mapping[str, Task], be_first: Callable[[], None], at_end: Callable[[], None]
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
                    _serve(theirs, tasks)
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


def lend(tasks: Mapping[str, Task], at_end: Callable[[], None] = lambda: None) -> None:
    """Do these tasks in this process itself.

    Args:
        tasks: by their names.
        at_end: what is done when they are not needed any more.
    """
    global _tasks
    end()
    _tasks = tasks
    _at_end.append(at_end)


def leave(
    tasks: Mapping[str, Task],
    be_first: Callable[[], None] = lambda: None,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Fork a process that stays who this one is, and does these tasks; before any thread is started.

    Args:
        tasks: by their names.
        be_first: what that process does before, such as to become a third user.
        at_end: what it does at last, also when this process was killed.
    """
    global _hand
    end()
    _hand = _Hand(tasks, be_first, at_end)


def do(name: str, /, **arguments: Any) -> Any:
    """Do a task, or have it done, and wait for its answer.

    Args:
        name: of the task.
        arguments: what JSON can hold.

    Returns:
        What JSON can hold, too.

    Raises:
        OperatorNeeded, OSError: as the task raised it.
    """
    return begin(name, **arguments)()


def begin(name: str, /, **arguments: Any) -> Callable[[], Any]:
    """Begin a task that is fed meanwhile; what is returned waits for its answer."""
    if _hand is None:
        return lambda: _tasks[name](**arguments)
    _hand.ask(name, arguments)
    return _hand.answer


def is_elsewhere() -> bool:
    """Whether another process does the tasks."""
    return _hand is not None


def end() -> None:
    """End the process, and wait for that."""
    global _hand, _tasks
    _tasks = {}
    while _at_end:
        _at_end.pop()()
    if _hand is not None:
        hand, _hand = _hand, None
        hand.close()


def _serve(connection: Connection, tasks: Mapping[str, Task]) -> None:
    while True:
        try:
            name, arguments = json.loads(connection.recv_bytes(_MOST_BYTES))
        except EOFError:
            return
        try:
            answer = ["done", tasks[name](**arguments)]
        except WabotError as error:
            answer = ["refused", str(error)]
        except OSError as error:
            answer = ["failed", [error.errno, error.strerror, error.filename and str(error.filename)]]
        connection.send_bytes(json.dumps(answer).encode())
