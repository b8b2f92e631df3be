"""The manual page and what completes the command in bash, made from the command line's own parser.

`python -m wabot.handbook.manual DIRECTORY` writes both below a directory such as /usr/local/share.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from wabot import __version__
from wabot.cli.help import TOPICS
from wabot.cli.parser import build_parser, commands
from wabot.errors import ExitCode

#: Where they belong in a directory of shared files.
MANUAL_PAGE = Path("man/man1/wabot.1")
COMPLETION = Path("bash-completion/completions/wabot")

_FILES = {
    "/etc/wabot/wabot.toml": "the configuration of wabot.service; NAME.toml is that of wabot@NAME.service",
    "/etc/wabot/knowledge": "what the bot knows of the business, in Markdown",
    "/etc/credstore": "secrets, each in a file that root alone can read",
    "/var/lib/wabot": "the session of each number, the database, backups",
}
_COMPLETION = """\
# Completes wabot in bash: made by wabot.handbook.manual from the command line's own parser.
_wabot() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    local command="" words="" files=false word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        if [[ $word != -* ]]; then
            command=$word
            break
        fi
    done
    case $command in
{commands}
    esac
    case $command,$previous in
{values}
    esac
    if $files && [[ $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}}
complete -F _wabot wabot
"""


def manual_page() -> str:
    """The manual page, for man(1)."""
    description = str(build_parser().description)
    lines = [
        f'.TH WABOT 1 "" "wabot {__version__}" "User Commands"',
        *(".SH NAME", f"wabot \\- {_escaped(description[0].lower() + description[1:].rstrip('.'))}"),
        *(".SH SYNOPSIS", r"\fBwabot\fR \fICOMMAND\fR [\fIOPTION\fR ...]"),
        *(".SH DESCRIPTION", _escaped(description)),
        _escaped(
            "It runs as wabot.service. The configuration can be read by root and the service only, hence"
        ),
        _escaped("sudo before most commands. The whole handbook is shown by wabot help."),
        ".SH COMMANDS",
    ]
    for name, command in commands().items():
        lines += [f".SS wabot {_escaped(name)}", _escaped(str(command.description))]
        for action in _arguments(command):
            lines += [".TP", _usage_of(action), _escaped(_help_of(action))]
    lines.append(".SH HANDBOOK")
    lines.append(_escaped(f"wabot help TOPIC, where TOPIC is one of {', '.join(TOPICS)}."))
    lines.append(".SH EXIT STATUS")
    for code in ExitCode:
        lines += [".TP", rf"\fB{int(code)}\fR", _escaped(code.meaning)]
    lines.append(".SH FILES")
    for file, meaning in _FILES.items():
        lines += [".TP", rf"\fI{_escaped(file)}\fR", _escaped(meaning)]
    lines += [".SH SEE ALSO", r"\fBsystemctl\fR(1), \fBjournalctl\fR(1)"]
    return "\n".join(lines) + "\n"


def completion() -> str:
    """What bash reads to complete the command."""
    cases = [_case("''", [*commands(), "--help", "--version"])]
    values = []
    for name, command in commands().items():
        words = ["--help"] if command.add_help else []
        takes_files = False
        for action in _arguments(command):
            words += action.option_strings
            if not action.option_strings:
                takes_files = takes_files or action.type is Path
            elif action.nargs != 0:
                options = " | ".join(f"{name},{option}" for option in action.option_strings)
                values.append(_case(options, map(str, action.choices or ()), files=action.type is Path))
        words += [*TOPICS, *commands()] if name == "help" else []
        cases.append(_case(name, words, files=takes_files))
    return _COMPLETION.format(commands="\n".join(cases), values="\n".join(values))


def _case(pattern: str, words: Iterable[str], *, files: bool = False) -> str:
    return f'    {pattern}) words="{" ".join(words)}" files={str(files).lower()} ;;'


def _arguments(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in command._actions:
        if not isinstance(action, argparse._HelpAction):
            yield action


def _usage_of(action: argparse.Action) -> str:
    names = ", ".join(rf"\fB{_escaped(option)}\fR" for option in action.option_strings)
    value = "" if action.nargs == 0 else rf"\fI{_escaped(str(action.metavar or action.dest.upper()))}\fR"
    return " ".join(filter(None, (names, value)))


def _help_of(action: argparse.Action) -> str:
    told = str(action.help or "")
    return told % {"default": action.default, "prog": "wabot"} if "%" in told else told


def _escaped(text: str) -> str:
    """A text in which man(1) finds no orders; what is typed can be copied from the page."""
    text = " ".join(text.replace("\\", r"\e").replace("-", r"\-").split())
    return rf"\&{text}" if text.startswith((".", "'")) else text


def main(directory: Path) -> None:
    """Write both files.

    Args:
        directory: of shared files, as /usr/local/share.
    """
    for path, text in ((MANUAL_PAGE, manual_page()), (COMPLETION, completion())):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
