"""The commands of whoever looks after a bot: `check-config`, `status`, `janitor`, `reset`, `doctor`."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wabot.config.load import find_configuration
from wabot.config.machine import settings_in_unit
from wabot.config.settings import Settings
from wabot.errors import ExitCode, UsageError
from wabot.system.files import why_unwritable
from wabot.system.terminal import answers_yes, printable_json, show
from wabot.system.units import METRICS, configure_hints, start

if TYPE_CHECKING:
    from wabot.doctor.finding import Finding


# Of each kind; the summary counts them all. A list without end is of no use to a program either.
_MOST_ACTIONS_SHOWN = 20
_MOST_ACTIONS_AS_JSON = 10_000


def add_upkeep_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add them to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    check = commands.add_parser("check-config", parents=[shared], help="check the configuration")
    check.set_defaults(command=_check_config)

    status = commands.add_parser("status", parents=[shared], help="what every session is doing")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(command=_status)

    janitor = commands.add_parser(
        "janitor", parents=[shared], help="clean what is dead; a dry run by default"
    )
    janitor.add_argument("--apply", action="store_true", help="do it, instead of only saying it")
    janitor.add_argument("--json", action="store_true", help="for programs")
    janitor.add_argument(
        "--clock-is-right", action="store_true", help="although nothing was heard of this bot for a month"
    )
    janitor.add_argument("--restore", metavar="NAME", help="move a session back from the quarantine")
    janitor.set_defaults(command=_janitor)

    reset = commands.add_parser("reset", parents=[shared], help="start a number afresh; nothing is deleted")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(command=_reset)

    doctor = commands.add_parser("doctor", parents=[shared], help="name what is wrong and what cures it")
    doctor.add_argument("--online", action="store_true", help="ask WhatsApp and models elsewhere, too")
    doctor.add_argument("--all", action="store_true", help="every configuration beside this one, too")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command=_doctor)


def _check_config(arguments: argparse.Namespace) -> int:
    from wabot.brain.knowledge.base import lack_of_knowledge, left_out, links_that_lead_nowhere
    from wabot.config.machine import of_the_same_user

    settings = settings_in_unit(arguments.config, os.environ)
    user_id = settings.account.user_id
    show(f"{settings.source}: good (user {user_id}, state in {settings.paths.state})")
    # What follows is no reason not to answer customers: the bot runs with it.
    if settings.metrics.file and (trouble := why_unwritable(settings.metrics.file)):
        is_made = settings.metrics.file.parent == METRICS
        made = "; the service makes it when it starts" if is_made else ""
        show(f"note: metrics.file: {trouble}{made}")
    for other in of_the_same_user(settings, os.environ):
        show(f"note: {other}.toml is for user {user_id}, too; give it a user_id of its own")
    if lacking := lack_of_knowledge(settings.ai.knowledge):
        show(f"note: {lacking}")
    for path, why in left_out(settings.ai.knowledge):
        show(f"note: {path} is left out: {why}")
    for told in links_that_lead_nowhere(settings.ai.knowledge):
        show(f"note: {told}")
    return ExitCode.OK


def _doctor(arguments: argparse.Namespace) -> int:
    from wabot.clock import utc_now
    from wabot.doctor.examination import examine

    file = find_configuration(arguments.config, os.environ)
    if arguments.all:
        return _examine_all(arguments, file)
    findings = examine(file, os.environ, utc_now(), online=arguments.online)
    ok = all(finding.ok for finding in findings)
    if arguments.json:
        show(printable_json(_as_json(findings)))
    else:
        _show(findings)
    return ExitCode.OK if ok else ExitCode.FINDINGS


def _examine_all(arguments: argparse.Namespace, file: Path | None) -> int:
    from wabot.clock import utc_now
    from wabot.config.machine import configuration_files
    from wabot.doctor.examination import examine

    ill: list[str] = []
    found: dict[str, Any] = {}
    files = configuration_files(file, os.environ)
    for each in files:
        name = each.stem if each else "wabot"
        configure_hints(each)
        findings = examine(each, os.environ, utc_now(), online=arguments.online)
        found[name] = _as_json(findings)
        ill += [] if found[name]["ok"] else [name]
        if not arguments.json:
            show(f"{name}:", flush=True)
            _show(findings)
    if arguments.json:
        show(printable_json({"ok": not ill, "configurations": found}))
    else:
        number = f"{len(files)} configuration{'' if len(files) == 1 else 's'}"
        show(f"{number}: {len(ill)} ill: {', '.join(ill)}" if ill else f"{number}: all is well")
    return ExitCode.FINDINGS if ill else ExitCode.OK


def _as_json(findings: list[Finding]) -> dict[str, Any]:
    return {
        "ok": all(finding.ok for finding in findings),
        "checks": [finding.as_json() for finding in findings],
    }


def _show(findings: list[Finding]) -> None:
    # What is ill last: the window may be small.
    show(*sorted(findings, key=lambda finding: not finding.ok), sep="\n")
    ill = [finding.name for finding in findings if not finding.ok]
    show(f"{len(ill)} ill: {', '.join(dict.fromkeys(ill))}" if ill else "all is well")


def _status(arguments: argparse.Namespace) -> int:
    from wabot.status.sessions import all_sessions, report
    from wabot.status.table import as_table

    settings = _settings(arguments)
    sessions = all_sessions(settings, os.environ)
    answer = report(sessions)
    show(printable_json(answer) if arguments.json else as_table(sessions))
    return ExitCode.OK if answer["ok"] else ExitCode.FINDINGS


def _reset(arguments: argparse.Namespace) -> int:
    from wabot.clock import utc_now
    from wabot.session.reset import reset

    def confirm(steps: list[str]) -> bool:
        show(*steps, sep="\n")
        show("messages, configuration and knowledge stay as they are", flush=True)
        return arguments.yes or answers_yes("Go on? [y/N] ")

    settings = _settings(arguments)
    outcome = reset(settings, utc_now(), confirm)
    show(outcome.sentence)
    return ExitCode.OK if outcome.done else ExitCode.FINDINGS


def _settings(arguments: argparse.Namespace) -> Settings:
    return settings_in_unit(arguments.config, os.environ, all_secrets=False)


def _janitor(arguments: argparse.Namespace) -> int:
    from wabot.alerts.units import owner_told
    from wabot.clock import utc_now
    from wabot.database.address import sqlite_file
    from wabot.database.engine import open_existing_database
    from wabot.janitor.run import clean
    from wabot.janitor.sweep import ActionKind, Cleanup
    from wabot.session.directories import session_names

    settings = _settings(arguments)
    if arguments.restore is not None:
        if arguments.apply or arguments.json:
            raise UsageError("--restore goes alone; see wabot janitor --help")
        return _put_back(settings, arguments.restore)
    file = sqlite_file(settings.database.url)
    if file is not None and not file.exists() and not session_names(settings.sessions):
        nothing: dict[str, Any] = {"actions": [], "applied": arguments.apply, "before": {}, "after": {}}
        nothing["counts"] = {}
        show(printable_json(nothing) if arguments.json else "janitor: 0 done; there is nothing yet to clean")
        return ExitCode.OK
    actions: list[Cleanup] = []
    most = _MOST_ACTIONS_AS_JSON if arguments.json else _MOST_ACTIONS_SHOWN
    told: Counter[ActionKind] = Counter()

    def tell(action: Cleanup) -> None:
        told[action.kind] += 1
        if told[action.kind] > most:
            return
        actions.append(action)
        if not arguments.json:
            show(action, flush=True)

    with owner_told(settings):
        outcome = clean(
            settings,
            os.environ,
            open_existing_database(settings),
            utc_now(),
            apply=arguments.apply,
            tell=tell,
            clock_is_right=arguments.clock_is_right,
        )
    if arguments.json:
        found = {"actions": [action.as_json() for action in actions], "applied": arguments.apply}
        found |= {"before": outcome.before, "after": outcome.after, "foreign_key": outcome.foreign_key}
        show(printable_json(found | {"counts": told}))
    else:
        for kind, number in told.items():
            if number > most:
                show(f"... and {number - most} more: {kind.said(done=arguments.apply)}")
        show(outcome.summary())
    return ExitCode.OK


def _put_back(settings: Settings, entry: str) -> int:
    from wabot.clock import utc_now
    from wabot.session.quarantine import Quarantine

    place = Quarantine(settings.quarantine, settings.sessions).restore(entry, utc_now())
    show(f"{place} is back; start its bot again: {start(settings.file)}")
    return ExitCode.OK
