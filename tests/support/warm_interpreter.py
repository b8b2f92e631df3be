"""Commands of wabot's in children of one process that has loaded the program, which takes a second."""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any, Self

_REPOSITORY = Path(__file__).parents[2]
_UNBOUNDED = resource.RLIM_INFINITY


class WarmInterpreter:
    """Runs one command at a time, from `with` to its end."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            cwd=_REPOSITORY,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, *arguments: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; as subprocess does, also on several threads.

        Args:
            arguments: what follows `wabot`.
            environ: the whole environment.
        """
        with self._lock, NamedTemporaryFile("r") as output, NamedTemporaryFile("r") as errors:
            self.begin(*arguments, environ=environ, output=Path(output.name), errors=Path(errors.name))
            return subprocess.CompletedProcess(arguments, self.end(), output.read(), errors.read())

    def begin(
        self,
        *arguments: str,
        environ: Mapping[str, str],
        output: Path,
        errors: Path,
        most_memory_bytes: int = _UNBOUNDED,
        is_new: bool = False,
    ) -> int:
        """Start a command; `fileno` can be read when it has ended.

        Args:
            arguments: what follows `wabot`.
            environ: the whole environment.
            output: a file that takes what it prints.
            errors: the same for its errors, and may be the same.
            most_memory_bytes: the address space it may use.
            is_new: whether it is loaded anew, as what starts itself once more has to be: nothing does with
                LIBRARY_ENVIRONMENT.

        Returns:
            The process.
        """
        order = {
            "arguments": arguments,
            "environ": dict(environ),
            "output": str(output),
            "errors": str(errors),
            "most_memory_bytes": most_memory_bytes,
            "is_new": is_new,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return self._number()

    def fileno(self) -> int:
        """What `select` waits for."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def end(self) -> int:
        """Wait for the command.

        Returns:
            Its exit code; as of subprocess where a signal ended it.
        """
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@cache
def of_this_process() -> WarmInterpreter:
    """One for everybody, which ends with this process: it reads until there is nobody to write any more."""
    return WarmInterpreter().__enter__()


def _serve() -> None:
    from wabot.cli.leave_root import _load_ahead

    _load_ahead()
    # What a collection in a child would touch, it would have to copy.
    gc.freeze()
    # The child's sys.stdin has read nothing yet.
    with open(0, closefd=False) as orders:
        for line in orders:
            child = os.fork()
            if child == 0:
                os._exit(_obey(json.loads(line)))
            print(child, flush=True)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _obey(order: dict[str, Any]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (order["most_memory_bytes"],) * 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(order["output"], os.O_WRONLY | os.O_APPEND), 1)
    os.dup2(os.open(order["errors"], os.O_WRONLY | os.O_APPEND), 2)
    os.environ.clear()
    os.environ.update(order["environ"])
    if order["is_new"]:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "wabot", *order["arguments"]])
    sys.argv[1:] = order["arguments"]
    try:
        from wabot.cli.parser import entry_point

        entry_point()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    _serve()
