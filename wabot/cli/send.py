"""The command `send`: one message to one person, through the outbox of the bot, if the rules allow it."""

from __future__ import annotations

import argparse
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from wabot.cli.chats import CHAT_HELP, nobody, opened
from wabot.clock import local_text, utc_now
from wabot.config.phone_numbers import parse_address
from wabot.config.settings import Settings
from wabot.errors import ExitCode, UsageError
from wabot.system.terminal import as_text, printable, printable_json, show

_LONGEST_TEXT_CHARACTERS = 20_000
_LATEST = timedelta(days=30)
_WAIT_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_PURPOSES = ("reply", "order", "reminder")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def add_send_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add it to the command line.

    Args:
        commands: what `add_subparsers` returned.
        shared: the options that every command takes.
    """
    send = commands.add_parser(
        "send", parents=[shared], help="send a message to a customer, if the rules allow it"
    )
    send.add_argument("chat", metavar="CHAT", type=parse_address, help=CHAT_HELP)
    send.add_argument(
        "text", metavar="TEXT", type=as_text, help='what it says; "-" reads it from standard input'
    )
    send.add_argument(
        "--at", metavar="TIME", type=_moment, help="not before 2026-12-01T09:00, by the clock of the business"
    )
    send.add_argument("--key", metavar="KEY", type=_key, help="the same twice is one message, as order-123")
    send.add_argument(
        "--purpose",
        choices=_PURPOSES,
        default="order",
        help="reply: answers what they wrote within a day; order: about what they ordered (default); "
        "reminder: what they agreed to be reminded of",
    )
    send.add_argument(
        "--wait", action="store_true", help=f"until it is delivered, for {_WAIT_SECONDS:.0f} s at most"
    )
    send.add_argument("--json", action="store_true", help="for programs")
    send.set_defaults(command=_send)


def _send(arguments: argparse.Namespace) -> int:
    from wabot.conversation.chats import find_chats
    from wabot.conversation.consent import Purpose, RuleRefusal
    from wabot.conversation.outreach import Order, outreach_of
    from wabot.session.wake_file import ring

    text = _text_of(arguments.text)
    settings = opened(arguments)
    now = utc_now()
    at = _in_utc(arguments.at, settings) if arguments.at else now
    if at > now + _LATEST:
        raise UsageError(f"--at is more than {_LATEST.days} days ahead")
    user_id = settings.account.user_id
    chats = find_chats(user_id, arguments.chat)
    order = Order(text, Purpose(f"send:{arguments.purpose}"), at, arguments.key or "")
    result = outreach_of(settings).schedule(chats[0] if chats else None, order, now)
    if isinstance(result, RuleRefusal):
        return _say_refused(arguments, result, "" if chats else nobody(user_id, arguments.chat))
    ring(settings.wake_file)
    if arguments.wait:
        result = _wait_for(result.id)
    return _say_kept(arguments, result)


def _text_of(argument: str) -> str:
    text = sys.stdin.read(_LONGEST_TEXT_CHARACTERS + 2).rstrip("\n") if argument == "-" else argument
    text = text.replace("\0", "")
    if not text.strip():
        raise UsageError("there is no text to send")
    if len(text) > _LONGEST_TEXT_CHARACTERS:
        raise UsageError(f"the text is longer than {_LONGEST_TEXT_CHARACTERS:,} characters")
    return text


def _wait_for(number: int) -> Any:
    """The row once its message is delivered, or will not be; or as it is when the time is over."""
    from wabot.database.models import Outbound, database
    from wabot.database.states import OutboundState

    final = (OutboundState.DEAD, OutboundState.WITHDRAWN, OutboundState.UNSURE)
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        row = Outbound.get_by_id(number)
        if row.delivered_at or row.state in final or time.monotonic() > until:
            return row
        # Nothing is held open meanwhile: a transaction would keep a backup or a janitor waiting.
        database.close()
        time.sleep(_LOOK_SECONDS)
        database.connect(reuse_if_open=True)


def _say_refused(arguments: argparse.Namespace, refusal: Any, hint: str) -> int:
    if arguments.json:
        _show_json(None, "refused", refusal.rule, refusal.reason, "")
    else:
        more = f" ({hint})" if hint else ""
        show(printable(f"not sent, by the rule {refusal.rule}: {refusal.reason}{more}"), to_errors=True)
    return ExitCode.REFUSED


def _say_kept(arguments: argparse.Namespace, row: Any) -> int:
    from wabot.database.states import OutboundState

    if row.state in (OutboundState.WITHDRAWN, OutboundState.DEAD):
        rule, _, reason = (
            row.error.partition(": ") if row.state == OutboundState.WITHDRAWN else ("", "", row.error)
        )
        if arguments.json:
            _show_json(row.id, "refused", rule, reason or rule, row.message_id)
        else:
            show(printable(f"message {row.id} is not sent: {row.error}"), to_errors=True)
        return ExitCode.REFUSED
    is_sent = row.state == OutboundState.SENT
    state = "delivered" if row.delivered_at else "sent" if is_sent else "queued"
    if arguments.json:
        _show_json(row.id, state, "", "", row.message_id)
    elif state == "queued" and row.not_before > utc_now():
        show(f"message {row.id} leaves at {local_text(row.not_before)}")
    else:
        show(f"message {row.id} is {state}")
    return ExitCode.OK if row.delivered_at or not arguments.wait else ExitCode.FINDINGS


def _show_json(number: int | None, state: str, rule: str, reason: str, message_id: str) -> None:
    found = {"id": number, "state": state, "rule": rule, "reason": reason, "message_id": message_id}
    show(printable_json(found))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        problem = f"{text!r}: write a time such as 2026-12-01T09:00, or with its zone, 2026-12-01T09:00+01:00"
        raise argparse.ArgumentTypeError(problem) from None


def _in_utc(moment: datetime, settings: Settings) -> datetime:
    """Naive UTC of a moment that was typed: by the clock of the business, where it names no zone."""
    zone = settings.account.zone
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return aware.astimezone(UTC).replace(tzinfo=None)


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise argparse.ArgumentTypeError("a key has 1 to 200 visible ASCII characters, as order-123")
    return text
