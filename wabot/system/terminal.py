"""What people see and type: text made harmless, whoever wrote it, the standard streams, a question."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


def printable(text: object) -> str:
    """The text on one line, with a "�" for what would steer a terminal or turn the reading direction."""
    return printable_lines(" ".join(str(text).split()))


def printable_lines(text: object) -> str:
    """The text with its lines and the blanks before them kept, each line harmless in a terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in str(text))


def printable_json(found: object, indent: int | None = None) -> str:
    """JSON that is harmless in a terminal, too, and the same to a program."""
    text = json.dumps(found, ensure_ascii=False, indent=indent)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def show(*texts: object, sep: str = " ", to_errors: bool = False, flush: bool = False) -> None:
    """Print texts for people, whoever wrote them."""
    text = printable_lines(sep.join(map(str, texts)))
    print(text, file=sys.stderr if to_errors else None, flush=flush)


#: The exit code of what Ctrl-C ended, as shells have it: 128 + SIGINT.
INTERRUPTED = 130


def mend_streams() -> None:
    """Open what is closed on the null device, and let no odd character end a command.

    Python has None for a stream that was closed by the shell (`2>&-`), and a strict ASCII or Latin-1 one
    where the locale says so.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            null = open(os.devnull, "w" if number else "r", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, null)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def until_interrupted(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run a script with the arguments of the command line; Ctrl-C ends it with a word and no traceback.

    Args:
        main: returns the exit code.
    """
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def discard_output() -> None:
    """Let what is still to be written go nowhere: the interpreter flushes once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def as_text(argument: str) -> str:
    """A text from the command line, where the locale could not read its bytes as UTF-8 after all."""
    return os.fsencode(argument).decode("utf-8", "replace")


def answers_yes(question: str) -> bool:
    """Whether the answer is yes, in one of the three languages; where nobody can answer, it is no."""
    try:
        return input(question).strip().lower() in ("y", "yes", "s", "si", "sí", "sim")
    except EOFError:
        print()
        return False
