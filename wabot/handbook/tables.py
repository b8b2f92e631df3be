"""The handbook's tables, made from the code: `python -m wabot.handbook.tables` makes them anew."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wabot.cli.parser import commands
from wabot.config.conversation_settings import ENDPOINT_SETTINGS
from wabot.config.setting_types import key_of
from wabot.config.settings import Settings
from wabot.conversation.ends import ENDS, Arrival, Writer
from wabot.conversation.gate import ANSWER_RULES, ARRIVAL_RULES
from wabot.errors import ExitCode
from wabot.link.states import EXIT_CODES, MEANINGS, State
from wabot.status.metrics import DEFINITIONS

# systemd calls exit statuses by the names of BSD's sysexits.h.
_SYSTEMD_NAMES = {
    ExitCode.USAGE: ("USAGE", "`systemctl cat wabot`: somebody changed the command"),
    ExitCode.DATABASE_AWAY: ("UNAVAILABLE", "start the database; `sudo wabot doctor` says which"),
    ExitCode.BUG: ("SOFTWARE", "nothing now; report what stands above it in the journal"),
    ExitCode.LINK_LOST: ("TEMPFAIL", "nothing; when it comes again and again, `sudo wabot doctor --online`"),
    ExitCode.CLIENT_OUTDATED: ("PROTOCOL", "`git pull`, then `sudo scripts/install --upgrade`"),
    ExitCode.SESSION_ENDED: ("NOPERM", "the journal says why: see [by symptom](#by-symptom)"),
    ExitCode.OPERATOR_NEEDED: ("CONFIG", "`sudo wabot doctor`; the journal names the file or the process"),
}


def settings_table() -> str:
    """Every setting with its default, what is allowed and what it means, as Markdown."""
    lines = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    for section in dataclasses.fields(Settings):
        if section.name != "file":
            lines += _section_lines(section.name, section.default_factory)
    return "\n".join(lines) + "\n"


def _section_lines(name: str, section_class: Any) -> list[str]:
    lines = []
    for field in dataclasses.fields(section_class):
        key = f"{name}.{key_of(field)}"
        if field.name in ENDPOINT_SETTINGS:
            lines += [
                _row(f"[[{key}]] {provider_key}", known.default, known.type.allowed, known.meaning)
                for provider_key, known in ENDPOINT_SETTINGS[field.name].items()
            ]
        elif "type" in field.metadata:
            type_ = field.metadata["type"]
            default = "" if field.default in (None, Path(), "") else type_.show(field.default)
            lines.append(_row(key, default, type_.allowed, field.metadata["meaning"]))
        else:
            lines += _section_lines(key, field.default_factory)
    return lines


def _row(key: str, default: str, allowed: str, meaning: str) -> str:
    return _line(f"`{key}`", f"`{default}`" if default else "", allowed, meaning)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def command_table() -> str:
    """Every command with its own options and what it does, as Markdown."""
    lines = ["| command | what it does |", "|---|---|"]
    for command in commands().values():
        usage = " ".join(command.format_usage().removeprefix("usage: ").split())
        for shared in (" [-h]", " [--config FILE]"):
            usage = usage.replace(shared, "")
        lines.append(_line(f"`{usage}`", str(command.description)))
    return "\n".join(lines) + "\n"


def gate_table() -> str:
    """Every rule of the gate, in the order they are asked, as Markdown."""
    lines = ["| when | rule |", "|---|---|"]
    for moment, rules in (("a message arrives", ARRIVAL_RULES), ("a chat is answered", ANSWER_RULES)):
        for rule in rules:
            lines.append(f"| {moment} | {rule.__doc__} |")
            moment = ""
    return "\n".join(lines) + "\n"


def ends_table() -> str:
    """What becomes of every message, as Markdown."""
    lines = ["| what comes | from a customer | older than `max_age` | from the owner |", "|---|---|---|---|"]
    for what in Arrival:
        live, late = ENDS[what, Writer.CUSTOMER]
        owners = ENDS[what, Writer.OWNER][0] if (what, Writer.OWNER) in ENDS else None
        cells = [f"{fate.end}: {fate.how}" if fate else "" for fate in (live, late, owners)]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def exit_code_table() -> str:
    """Every exit code, what it means and whether systemd starts the service again."""
    lines = ["| code | meaning | systemd restarts? |", "|---|---|---|"]
    lines += [f"| {int(code)} | {code.meaning} | {'yes' if code.restarts else 'no'} |" for code in ExitCode]
    return "\n".join(lines) + "\n"


def metrics_table() -> str:
    """Every metric with its type, its labels and what it means, as Markdown."""
    lines = ["| metric | type | labels beside `account` | meaning |", "|---|---|---|---|"]
    for metric in DEFINITIONS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(lines) + "\n"


def systemctl_table() -> str:
    """What `systemctl status` shows of each end of the service, what it means and what to do, as Markdown."""
    lines = ["| `Active:` | `status=` | it means | what to do |", "|---|---|---|---|"]
    lines.append("| `active (running)` | | it runs | what the table of [states](reference.md#states) says |")
    lines.append(
        "| `inactive (dead)` | | it was stopped, or never started | `sudo systemctl enable --now wabot` |"
    )
    for code, (name, advice) in _SYSTEMD_NAMES.items():
        active = "activating (auto-restart)" if code.restarts else "failed"
        lines.append(f"| `{active}` | `{int(code)}/{name}` | {code.meaning} | {advice} |")
    return "\n".join(lines) + "\n"


def state_table() -> str:
    """Every state of the link, what it means, what to do, and the exit code of those that end the process."""
    lines = ["| state | what it means | what to do | ends with |", "|---|---|---|---|"]
    for state in State:
        meaning, advice = MEANINGS[state]
        lines.append(f"| `{state}` | {meaning} | {advice} | {_ends_with(state)} |")
    return "\n".join(lines) + "\n"


def _ends_with(state: State) -> str:
    if state is State.FAILED:
        # A damaged store is the operator's.
        return f"{int(EXIT_CODES[state])}, or {int(ExitCode.OPERATOR_NEEDED)} when the store is damaged"
    return str(int(EXIT_CODES[state])) if state in EXIT_CODES else ""


TABLES: dict[str, Callable[[], str]] = {
    "gate": gate_table,
    "ends": ends_table,
    "systemctl": systemctl_table,
    "commands": command_table,
    "settings": settings_table,
    "exit codes": exit_code_table,
    "states": state_table,
    "metrics": metrics_table,
}


def update(text: str) -> str:
    """The same text with each table after its marker, such as `<!-- settings -->`, made anew."""
    for name, table in TABLES.items():
        before, marker, after = text.partition(f"<!-- {name} -->\n")
        if marker:
            after = re.sub(r"\A\n*(?:\|.*\n)*\n*", "", after)
            text = f"{before}{marker}\n{table()}\n{after}"
    return text


if __name__ == "__main__":
    for page in Path(__file__).parent.glob("*.md"):
        page.write_text(update(page.read_text(encoding="utf-8")), encoding="utf-8")
