"""The commands that show conversations: `chats`, `chat-log`, `outbox`."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from wabot.cli.chats import CHAT_HELP, nobody, opened
from wabot.clock import local_text, utc_now
from wabot.config.phone_numbers import parse_address
from wabot.errors import ExitCode, UsageError
from wabot.system.terminal import printable, printable_json, show

_MOST_CHATS = 50
_MOST_MESSAGES = 100
_MOST_REPLIES = 200
_MOST = 10_000
_SHOWN_CHARACTERS = 70
_SHORT_TIME = "%d %b %H:%M"
_WITHDRAWN = "taken back from the command line"


def add_conversation_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add them to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    chats = commands.add_parser("chats", parents=[shared], help="list the latest chats, and who waits")
    chats.add_argument("--unanswered", action="store_true", help="only those in which a customer waits")
    _add_most(chats, _MOST_CHATS, "chats")
    _add_json(chats)
    chats.set_defaults(command=_chats)

    log = commands.add_parser("chat-log", parents=[shared], help="show what was said in a chat")
    log.add_argument("chat", metavar="CHAT", type=parse_address, help=CHAT_HELP)
    _add_most(log, _MOST_MESSAGES, "messages")
    _add_json(log)
    log.set_defaults(command=_chat_log)

    outbox = commands.add_parser("outbox", parents=[shared], help="list the replies that wait to be sent")
    outbox.add_argument("--cancel", metavar="ID", type=int, help="do not send this one")
    _add_json(outbox)
    outbox.set_defaults(command=_outbox)


def _add_most(parser: argparse.ArgumentParser, most: int, of_what: str) -> None:
    parser.add_argument(
        "--last", metavar="N", type=_count, default=most, help=f"how many {of_what} (default: {most})"
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs; times are UTC")


def _chats(arguments: argparse.Namespace) -> int:
    from wabot.status.conversations import latest_chats

    user_id = opened(arguments).account.user_id
    standings = latest_chats(user_id, arguments.last, unanswered=arguments.unanswered)
    if arguments.json:
        found = [
            {
                "phone": each.chat.phone,
                "jid": each.chat.jid,
                "name": each.chat.name,
                "last_at": _utc(each.last.received_at),
                "text": each.last.text,
                "waiting_since": _utc(each.waiting.received_at) if each.waiting else None,
                "waiting": each.waiting.text if each.waiting else None,
            }
            for each in standings
        ]
        show(printable_json(found, indent=2))
        return ExitCode.OK
    for each in standings:
        shown = each.waiting or each.last
        # Whole, because it is to be typed behind another command.
        who = f"+{each.chat.phone}" if each.chat.phone else each.chat.jid
        state = "waits" if each.waiting else ""
        when = local_text(shown.received_at, _SHORT_TIME)
        words = printable(f"{each.chat.name}: {_in_short(shown.kind, shown.text)}")
        show(f"{when}  {printable(who):<16} {state:<6} {words}")
    if not standings:
        show("nobody waits for an answer" if arguments.unanswered else "nobody has written yet")
    return ExitCode.OK


def _chat_log(arguments: argparse.Namespace) -> int:
    from wabot.conversation.chats import find_chats
    from wabot.status.conversations import said_in

    user_id = opened(arguments).account.user_id
    chats = find_chats(user_id, arguments.chat)
    if not chats:
        show(nobody(user_id, arguments.chat), to_errors=True)
        return ExitCode.FINDINGS
    said = said_in(chats, arguments.last)
    if arguments.json:
        rows = [
            {"at": _utc(each.at), "who": each.who, "kind": each.kind, "text": each.text, "state": each.state}
            for each in said
        ]
        show(printable_json(rows, indent=2))
        return ExitCode.OK
    for each in said:
        lines = [printable(line) for line in each.text.splitlines()] or [f"[{printable(each.kind)}]"]
        if each.state:
            lines[-1] += f" ({printable(each.state)})"
        head = f"{local_text(each.at, _SHORT_TIME)}  {each.who:>8}"
        for line in lines:
            show(f"{head}  {line}")
            head = " " * len(head)
    return ExitCode.OK


def _outbox(arguments: argparse.Namespace) -> int:
    from wabot.conversation.files.file_words import sent_in_words
    from wabot.conversation.owner_chat import text_of
    from wabot.status.conversations import waiting_replies

    user_id = opened(arguments).account.user_id
    if arguments.cancel is not None:
        return _cancel(user_id, arguments.cancel)
    rows = waiting_replies(user_id, _MOST_REPLIES)
    if arguments.json:
        found = [
            {
                "id": row.id,
                "phone": row.chat.phone,
                "jid": row.chat.jid,
                "state": row.state,
                "kind": row.kind,
                "text": text_of(row),
                "file": row.file,
                "source": row.source,
                "created_at": _utc(row.created_at),
                "not_before": _utc(row.not_before),
                "error": row.error,
            }
            for row in rows
        ]
        show(printable_json(found, indent=2))
        return ExitCode.OK
    now = utc_now()
    for row in rows:
        who = f"+{row.chat.phone}" if row.chat.phone else row.chat.jid
        due = f", not before {local_text(row.not_before, _SHORT_TIME)}" if row.not_before > now else ""
        why = f" ({row.error})" if row.error else ""
        said = _in_short(row.kind, sent_in_words(row.kind, text_of(row), row.file))
        words = printable(f"{who} {row.state}{due}{why}: {said}")
        show(f"{row.id:>6}  {words}")
    if not rows:
        show("nothing waits to be sent")
    return ExitCode.OK


def _cancel(user_id: str, number: int) -> int:
    from wabot.conversation.outbox import withdraw
    from wabot.database.models import Outbound
    from wabot.database.states import OutboundState

    row = Outbound.get_or_none(Outbound.id == number, Outbound.user_id == user_id)
    if row is None:
        raise UsageError(f"there is no reply {number}: wabot outbox lists what waits")
    may_wait = Outbound.state.in_((OutboundState.PENDING, OutboundState.SCHEDULED))
    waits = (Outbound.id == number) & may_wait & (Outbound.copies == 0)
    if not withdraw(waits, row.chat_id, _WITHDRAWN):
        row = Outbound.get_by_id(number)
        show(f"reply {number} is {row.state}, and cannot be taken back any more")
        return ExitCode.FINDINGS
    show(f"reply {number} is not sent")
    return ExitCode.OK


def _in_short(kind: str, text: str) -> str:
    """The beginning of a text on one line; what it is, where it has no text."""
    line = " ".join(text.split())
    if not line:
        return f"[{kind}]"
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 1]}…"


def _utc(moment: datetime) -> str:
    return moment.isoformat() + "Z"


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 to {_MOST:,}")
    return int(text)
