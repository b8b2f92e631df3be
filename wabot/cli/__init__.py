"""The command line: reads arguments, prints, and returns an exit code.

    parser      the commands and their options, and what every command has in common; begin reading here
    leave_root  root becomes the owner of the state before a command touches it
    run         `wabot run`: the service
    pair        `wabot pair`
    chat        a customer at the terminal
    chats       the commands about one chat or one person
    upkeep      check-config, status, janitor, reset, doctor
    backup      backup and restore
    alert       `wabot alert`
    help        `wabot help`: the handbook, a page at a time
    plain_text  a page of Markdown for a terminal

It is the only package that knows all others; what it needs of them is imported when its command runs.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code.

    Args:
        argv: what follows `wabot`.
    """
    from wabot.cli.parser import main as run

    return run(argv)
