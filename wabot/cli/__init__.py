"""The command line: reads arguments, prints, and returns an exit code. Begin reading in parser."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code.

    Args:
        argv: what follows `wabot`.
    """
    from wabot.cli.parser import main as run

    return run(argv)
