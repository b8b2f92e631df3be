"""The commands about chats: `chat`, `pause`, `resume`, `forget`, `export`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import datetime, timedelta
from typing import Any

from wabot.clock import local_text
from wabot.config.machine import settings_in_unit
from wabot.config.phone_numbers import ChatAddress, parse_address
from wabot.config.setting_types import duration
from wabot.config.settings import Settings
from wabot.errors import ExitCode, UsageError
from wabot.system.logs import configure_logging
from wabot.system.masking import mask_phone
from wabot.system.terminal import answers_yes, as_text, printable, printable_json, show
from wabot.system.units import own_command

CHAT_HELP = "a phone number with the country's code, or a JID"
_PERSON_IN_THE_TERMINAL = "10000000001"
# As restore and an upgrade name them; another name may be anything.
_PUT_ASIDE = r"\.replaced-\d{8}T\d{6}Z(-\d+)?"
_LONGEST_PAUSE_SECONDS = 31_536_000
_NEVER = "to answer somebody never, before they write, put the number into chats.deny"


def add_chat_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add them to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    chat = commands.add_parser("chat", parents=[shared], help="talk to the bot in the terminal")
    chat.add_argument("--once", metavar="TEXT", type=as_text, help="say this, print the answer, and end")
    chat.add_argument("--as", dest="customer", metavar="CHAT", help="be this customer: " + CHAT_HELP)
    chat.set_defaults(command=_chat)

    pause = commands.add_parser(
        "pause", parents=[shared], help="answer nothing in a chat; alone: list the paused ones"
    )
    pause.add_argument("chat", metavar="CHAT", nargs="?", type=parse_address, help=CHAT_HELP)
    pause.add_argument(
        "--for", dest="seconds", metavar="TIME", type=_seconds, help='such as "12h"; default: for good'
    )
    pause.set_defaults(command=_pause)

    resume = commands.add_parser("resume", parents=[shared], help="answer in a chat again")
    resume.add_argument("chat", metavar="CHAT", type=parse_address, help=CHAT_HELP)
    resume.set_defaults(command=_resume)

    forget = commands.add_parser("forget", parents=[shared], help="erase all that is kept about a person")
    forget.add_argument("chat", metavar="CHAT", type=parse_address, help=CHAT_HELP)
    forget.add_argument("--everything", action="store_true", help="also that they asked not to be written to")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.set_defaults(command=_forget)

    export = commands.add_parser(
        "export", parents=[shared], help="print all that is kept about a person, as JSON"
    )
    export.add_argument("chat", metavar="CHAT", type=parse_address, help=CHAT_HELP)
    export.set_defaults(command=_export)


def _chat(arguments: argparse.Namespace) -> int:
    from wabot.brain.knowledge.base import lack_of_knowledge
    from wabot.cli.chat import terminal_chat
    from wabot.doctor.configuration import unreadable_texts

    configure_logging(level="ERROR", at_terminal=True)
    settings = settings_in_unit(arguments.config, os.environ)
    customer = parse_address(arguments.customer or _PERSON_IN_THE_TERMINAL)
    if lacking := lack_of_knowledge(settings.ai.knowledge):
        show(lacking, to_errors=True)
    for path in unreadable_texts(settings):
        show(
            f"{path} is used here, but the bot itself cannot read it: {own_command('doctor')}",
            to_errors=True,
        )
    with terminal_chat(settings, customer) as chat:
        if arguments.once is not None:
            exchange = chat.say(arguments.once)
            if exchange.parts:
                show(*exchange.parts, sep="\n\n", flush=True)
            for note in exchange.to_owner:
                show(f"to the owner> {note}", to_errors=True)
            show(_footnote(exchange), to_errors=True)
            return ExitCode.OK if exchange.parts else ExitCode.FINDINGS
        return _talk(chat)


def _talk(chat: Any) -> int:
    interactive = sys.stdin.isatty()
    if interactive:
        show("Write as a customer; with ! before it, as the owner from the phone. Ctrl-D ends.")
        show("/voice FILE, /picture FILE CAPTION and /file FILE send a file.")
    while True:
        try:
            text = input("you> " if interactive else "").strip()
        except (EOFError, KeyboardInterrupt):
            show()
            return ExitCode.OK
        if not text:
            continue
        try:
            exchange = chat.say(text)
        except UsageError as error:
            show(str(error))
        else:
            for part in exchange.parts:
                show("bot> " + part.replace("\n", "\n     "))
            for note in exchange.to_owner:
                show(f"to the owner> {note}")
            show(_footnote(exchange), flush=True)


def _footnote(exchange: Any) -> str:
    used = "".join(f"; {passage.title} {passage.score:.2f}" for passage in exchange.passages)
    heard = f"{exchange.heard}; " if exchange.heard else ""
    return f"     ({heard}{exchange.outcome}{used})"


def _pause(arguments: argparse.Namespace) -> int:
    from wabot.clock import utc_now
    from wabot.conversation.chats import find_chats
    from wabot.conversation.pauses import pauses_of
    from wabot.database.states import PauseReason

    if arguments.chat is None and arguments.seconds is not None:
        raise UsageError("--for goes with a chat: wabot pause +34600111222 --for 2h")
    user_id = opened(arguments).account.user_id
    now = utc_now()
    if arguments.chat is None:
        return _list_paused(user_id, now)
    chats = find_chats(user_id, arguments.chat)
    if not chats:
        show(f"{nobody(user_id, arguments.chat)}\nnothing is paused; {_NEVER}")
        return ExitCode.FINDINGS
    until = None if arguments.seconds is None else now + timedelta(seconds=arguments.seconds)
    pauses = pauses_of(user_id)
    withdrawn = sum(pauses.pause(chat, PauseReason.COMMAND, until) for chat in chats)
    show(f"{_shown(arguments.chat)}: paused {_until(until)}; {withdrawn} reply(ies) withdrawn")
    return ExitCode.OK


def _list_paused(user_id: str, now: datetime) -> int:
    from wabot.conversation.pauses import paused_chats

    for chat in (chats := paused_chats(user_id, now)):
        # Whole, because it is to be typed behind `wabot resume`.
        who = f"+{chat.phone}" if chat.phone else chat.jid
        show(printable(f"{who}: paused {_until(chat.paused_until)} ({chat.pause_reason})"))
    if not chats:
        show("no chat is paused")
    return ExitCode.OK


def _until(moment: datetime | None) -> str:
    return f"until {local_text(moment)}" if moment else "until it is resumed"


def _resume(arguments: argparse.Namespace) -> int:
    from wabot.conversation.chats import find_chats
    from wabot.conversation.pauses import pauses_of

    user_id = opened(arguments).account.user_id
    chats = find_chats(user_id, arguments.chat)
    if not chats:
        show(f"{nobody(user_id, arguments.chat)}\nnothing is changed")
        return ExitCode.FINDINGS
    pauses = pauses_of(user_id)
    ended = [pauses.resume(chat) for chat in chats]
    show(f"{_shown(arguments.chat)}: {'answered again' if any(ended) else 'was not paused'}")
    return ExitCode.OK


def _forget(arguments: argparse.Namespace) -> int:
    from wabot.backup.make import POSTGRESQL
    from wabot.conversation.chats import find_chats, others_with
    from wabot.database.address import sqlite_file
    from wabot.privacy.erasure import forget

    settings = opened(arguments)
    user_id = settings.account.user_id
    if not find_chats(user_id, arguments.chat):
        show(nobody(user_id, arguments.chat))
    show(f"erase all that is kept about {_shown(arguments.chat)}; this cannot be undone", flush=True)
    if not arguments.yes and not answers_yes("Go on? [y/N] "):
        show("nothing was erased")
        return ExitCode.FINDINGS
    erased = forget(settings, arguments.chat, everything=arguments.everything)
    show(*erased.sentences(), sep="\n")
    if not erased.anything:
        show("nothing was erased: nothing is known of them")
    backups = settings.paths.state / "backups"
    if backups.is_dir() and any(backups.iterdir()):
        show(f"not erased: the copies of backups and upgrades in {backups}; remove them by hand")
    file = sqlite_file(settings.database.url) or settings.paths.state / POSTGRESQL
    for replaced in sorted(file.parent.glob(f"{file.name}.replaced-*")):
        if re.fullmatch(_PUT_ASIDE, replaced.name.removeprefix(file.name)):
            show(f"not erased: {replaced}, a database that was put aside; remove it by hand")
    for other in others_with(user_id, arguments.chat):
        show(
            f"not erased: what user {other} has of them in this database; repeat this with that one's "
            "--config, as long as it uses this database"
        )
    return ExitCode.OK if erased.anything else ExitCode.FINDINGS


def _export(arguments: argparse.Namespace) -> int:
    from wabot.privacy.export import export

    settings = opened(arguments)
    found = export(settings, arguments.chat)
    show(printable_json(found, indent=2))
    if any(found[place] for place in ("chats", "in_groups", "on_disk")):
        return ExitCode.OK
    show(nobody(settings.account.user_id, arguments.chat), to_errors=True)
    return ExitCode.FINDINGS


def opened(arguments: argparse.Namespace) -> Settings:
    """The settings of the command's configuration, with the database open."""
    from wabot.database.engine import open_existing_database

    configure_logging(level="WARNING", at_terminal=True)
    settings = settings_in_unit(arguments.config, os.environ, all_secrets=False)
    open_existing_database(settings)
    return settings


def nobody(user_id: str, address: ChatAddress) -> str:
    """What to say where there is no such chat, with the numbers that may be meant, whole: one is typed."""
    from wabot.conversation.chats import near_numbers

    near = printable(" or ".join(f"+{phone}" for phone in near_numbers(user_id, address)))
    hint = f"is {near} meant" if near else "is the number complete, with the country's code"
    return f"there is no chat with {_shown(address)}" + (f"; {hint}?" if address.phone else "")


def _shown(address: ChatAddress) -> str:
    return mask_phone(address.phone) if address.phone else address.jid


def _seconds(text: str) -> float:
    span = duration(1, _LONGEST_PAUSE_SECONDS)
    try:
        return float(span.read(text))
    except ValueError:
        problem = f"{text!r}: write a number with its unit, such as 90s, 15m, 2h or 3d, up to 365d"
        raise argparse.ArgumentTypeError(problem) from None
