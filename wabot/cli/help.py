"""`wabot help`: the handbook that is installed with the program, a page at a time."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from pathlib import Path
from typing import Any

import wabot
from wabot.errors import ExitCode, UsageError
from wabot.system.terminal import show

#: The pages, in the order in which somebody comes to want them.
TOPICS = (
    *("install", "configure", "conversation", "operate", "troubleshoot"),
    *("database", "security", "reference", "measure", "emulator", "source", "changelog", "es"),
)
# Longer lines are hard to read.
_WIDEST = 100


def add_help_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add it to the command line.

    Args:
        commands: what `add_subparsers` returned, with all other commands.
        shared: the options that every command takes.
    """
    help_ = commands.add_parser("help", parents=[shared], help="the handbook: its pages, or one of them")
    help_.add_argument(
        "topic", nargs="?", metavar="TOPIC", help="a page, or a command; alone: list the pages"
    )
    help_.set_defaults(command=lambda arguments: _help(arguments.topic, commands.choices), is_stateless=True)


def _help(topic: str | None, commands: dict[str, argparse.ArgumentParser]) -> int:
    if topic is None:
        longest = max(map(len, TOPICS))
        show(*(f"wabot help {name:{longest}}  {_title(name)}" for name in TOPICS), sep="\n")
    elif (name := topic.casefold().removesuffix(".md")) in TOPICS:
        _show_page(name)
    elif topic in commands:
        commands[topic].print_help()
    else:
        raise UsageError(f"there is no page {topic!r}; {_guess(name, [*TOPICS, *commands])}; see wabot help")
    return ExitCode.OK


def _page(name: str) -> str:
    return Path(wabot.__file__).with_name("handbook").joinpath(f"{name}.md").read_text(encoding="utf-8")


def _title(name: str) -> str:
    return _page(name).partition("\n")[0].removeprefix("# ")


def _guess(topic: str, known: list[str]) -> str:
    for name in TOPICS:
        for heading in re.findall(r"^##+ (.+)$", _page(name), re.MULTILINE):
            if topic and re.search(rf"\b{re.escape(topic)}", heading.casefold()):
                return f'perhaps {name} was meant, which tells of "{heading}"'
    close = difflib.get_close_matches(topic[:80], known, n=1)
    return f"perhaps {close[0]} was meant" if close else f"there are {', '.join(TOPICS)}"


def _show_page(name: str) -> None:
    """Show a page, which may be longer than the terminal; where there is none, or no pager, print it."""
    # Here, because a start of the bot does without all of them.
    import shutil
    import signal
    import subprocess

    from wabot.cli.plain_text import plain_text

    text = plain_text(_page(name), min(shutil.get_terminal_size().columns, _WIDEST))
    pager = _pager() if sys.stdout.isatty() else []
    if not pager:
        show(text.rstrip("\n"))
        return
    # As git has it: nothing to leave where all fits, colours, and the text stays on the screen.
    environment = {"LESS": "FRX"} | os.environ
    if os.geteuid() == 0:
        # Who may read the handbook as root may not run commands as root by that.
        environment["LESSSECURE"] = "1"
    with subprocess.Popen(pager, stdin=subprocess.PIPE, env=environment) as reader:
        # Ctrl-C is the pager's, which goes on.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            reader.communicate(text.encode(sys.stdout.encoding, "replace"))
        finally:
            signal.signal(signal.SIGINT, before)


def _pager() -> list[str]:
    """The command that $PAGER names, else less; empty where it is not there, or would only print."""
    import shlex
    import shutil

    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return []
    is_there = bool(command) and command != ["cat"] and shutil.which(command[0]) is not None
    return command if is_there else []
