"""The commands of whoever looks after a bot: `check-config`, `status`, `janitor`, `reset`, `doctor`."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from wabot.config import find_configuration
from wabot.errors import ExitCode, UsageError
from wabot.hints import start
from wabot.process import become_owner
from wabot.settings import Settings
from wabot.terminal_question import answers_yes
from wabot.unit_environment import settings_in_unit


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
    janitor.add_argument("--restore", metavar="NAME", help="move a session back from the quarantine")
    janitor.set_defaults(command=_janitor)

    reset = commands.add_parser("reset", parents=[shared], help="start a number afresh; nothing is deleted")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(command=_reset)

    doctor = commands.add_parser("doctor", parents=[shared], help="name what is wrong and what cures it")
    doctor.add_argument("--online", action="store_true", help="ask WhatsApp and models elsewhere, too")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command=_doctor)


def _check_config(arguments: argparse.Namespace) -> int:
    from wabot.brain.knowledge import lack_of_knowledge
    from wabot.configurations import of_the_same_user

    settings = settings_in_unit(arguments.config, os.environ)
    user_id = settings.account.user_id
    print(f"{settings.source}: good (user {user_id}, state in {settings.paths.state})")
    # What follows is no reason not to answer customers: the bot runs with it.
    if settings.metrics.file:
        from wabot.doctor_metrics import OF_THE_UNIT, trouble_with

        if trouble := trouble_with(settings.metrics.file):
            is_made = settings.metrics.file.parent == OF_THE_UNIT
            made = "; the service makes it when it starts" if is_made else ""
            print(f"note: metrics.file: {trouble}{made}")
    for other in of_the_same_user(settings, os.environ):
        print(f"note: {other}.toml is for user {user_id}, too; give it a user_id of its own")
    if lacking := lack_of_knowledge(settings.ai.knowledge):
        print(f"note: {lacking}")
    return ExitCode.OK


def _doctor(arguments: argparse.Namespace) -> int:
    from wabot.doctor import examine
    from wabot.models import utc_now

    file = find_configuration(arguments.config, os.environ)
    findings = examine(file, os.environ, utc_now(), online=arguments.online)
    ok = all(finding.ok for finding in findings)
    if arguments.json:
        print(
            json.dumps({"ok": ok, "checks": [finding.as_json() for finding in findings]}, ensure_ascii=False)
        )
    else:
        # What is ill last: the window may be small.
        print(*sorted(findings, key=lambda finding: not finding.ok), sep="\n")
        ill = [finding.name for finding in findings if not finding.ok]
        print(f"{len(ill)} ill: {', '.join(dict.fromkeys(ill))}" if ill else "all is well")
    return ExitCode.OK if ok else ExitCode.FINDINGS


def _status(arguments: argparse.Namespace) -> int:
    from wabot.status import all_sessions, report
    from wabot.status_table import as_table

    settings = _settings(arguments)
    sessions = all_sessions(settings, os.environ)
    answer = report(sessions)
    print(json.dumps(answer, ensure_ascii=False) if arguments.json else as_table(sessions))
    return ExitCode.OK if answer["ok"] else ExitCode.FINDINGS


def _reset(arguments: argparse.Namespace) -> int:
    from wabot.models import utc_now
    from wabot.reset import reset

    def confirm(steps: list[str]) -> bool:
        print(*steps, sep="\n")
        print("messages, configuration and knowledge stay as they are", flush=True)
        return arguments.yes or answers_yes("Go on? [y/N] ")

    settings = _settings(arguments)
    become_owner(settings.paths.state)
    outcome = reset(settings, utc_now(), confirm)
    print(outcome.sentence)
    return ExitCode.OK if outcome.done else ExitCode.FINDINGS


def _settings(arguments: argparse.Namespace) -> Settings:
    return settings_in_unit(arguments.config, os.environ, all_secrets=False)


def _janitor(arguments: argparse.Namespace) -> int:
    from wabot.database_address import sqlite_file
    from wabot.existing_database import open_existing_database
    from wabot.janitor import clean
    from wabot.janitor_alert import owner_told
    from wabot.models import utc_now
    from wabot.session_directories import session_names
    from wabot.sweep import Action

    settings = _settings(arguments)
    if arguments.apply or arguments.restore is not None:
        become_owner(settings.paths.state)
    if arguments.restore is not None:
        if arguments.apply or arguments.json:
            raise UsageError("--restore goes alone; see wabot janitor --help")
        return _put_back(settings, arguments.restore)
    file = sqlite_file(settings.database.url)
    if file is not None and not file.exists() and not session_names(settings.sessions):
        nothing: dict[str, Any] = {"actions": [], "applied": arguments.apply, "before": {}, "after": {}}
        print(json.dumps(nothing) if arguments.json else "janitor: 0 done; there is nothing yet to clean")
        return ExitCode.OK
    actions: list[Action] = []
    with owner_told(settings):
        outcome = clean(
            settings,
            os.environ,
            open_existing_database(settings),
            utc_now(),
            apply=arguments.apply,
            tell=actions.append if arguments.json else lambda action: print(action, flush=True),
        )
    if arguments.json:
        found = {"actions": [action.as_json() for action in actions], "applied": arguments.apply}
        found |= {"before": outcome.before, "after": outcome.after, "foreign_key": outcome.foreign_key}
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(outcome.summary())
    return ExitCode.OK


def _put_back(settings: Settings, entry: str) -> int:
    from wabot.models import utc_now
    from wabot.quarantine import Quarantine

    place = Quarantine(settings.quarantine, settings.sessions).restore(entry, utc_now())
    print(f"{place} is back; start its bot again: {start(settings.file)}")
    return ExitCode.OK
