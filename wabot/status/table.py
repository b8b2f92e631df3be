"""What `wabot status` prints for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wabot.clock import local_text
from wabot.link.states import State
from wabot.status.sessions import COLLECTED, KEPT, LOST, MODELS, NEVER_RAN
from wabot.system.printable import printable

_MOST_IN_FULL = 10


def as_table(sessions: list[dict[str, Any]]) -> str:
    """Every session, as `all_sessions` found it: of several the total first, and then what is wrong.

    Of many, each that works is one line.
    """
    working = [session for session in sessions if session["state"] == State.CONNECTED]
    others = [session for session in sessions if session["state"] != State.CONNECTED]
    lines = [_total(sessions)] if len(sessions) > 1 else []
    for session in others:
        lines += _whole(session)
    for session in working:
        lines += _whole(session) if len(sessions) <= _MOST_IN_FULL else [_in_one_line(session)]
    return "\n".join(lines)


def _total(sessions: list[dict[str, Any]]) -> str:
    states = Counter(str(session["state"]).replace("_", " ") for session in sessions)
    each = ", ".join(f"{number} {state}" for state, number in states.most_common())
    return f"{len(sessions)} numbers: {each}; {_work(sessions)}"


def _work(sessions: list[dict[str, Any]]) -> str:
    """What there is to do in all of them, as far as it is known."""
    sums = (
        (text, sum(session[name] or 0 for session in sessions))
        for text, name in (
            ("to answer", "inbox_pending"),
            ("to send", "outbox_pending"),
            ("not delivered", "outbox_dead"),
        )
    )
    return ", ".join(f"{text}: {number}" for text, number in sums)


def _in_one_line(session: dict[str, Any]) -> str:
    reason = f" ({session['reason']})" if session["reason"] else ""
    return printable(f"{_head(session)}{reason}; {_work([session])}")


def _head(session: Mapping[str, Any]) -> str:
    who = f" as +{session['phone']}" if session["phone"] and session["state"] == State.CONNECTED else ""
    since = f" since {_moment(session, 'since')}" if session["since"] and session["pid"] else ""
    return f"{session['name']}: {session['state']}{who}{since}"


def _whole(session: Mapping[str, Any]) -> list[str]:
    lines = [printable(f"{_head(session)}{_process(session)}")]
    if session["reason"]:
        lines.append(f"  {printable(session['reason'])}")
    lines.append(
        f"  to answer: {_number(session['inbox_pending'])}{_until_a_model(session.get(KEPT))}"
        f"   to send: {_number(session['outbox_pending'])}{_of_them(session.get(COLLECTED))}"
        f"   not delivered: {_number(session['outbox_dead'])}"
    )
    if session.get(LOST):
        lines.append(f"  lost in the client library, customers asked to repeat: {session[LOST]}")
    if session["undecryptable"]:
        lines.append(f"  could not be decrypted, or kept from linked devices: {session['undecryptable']}")
    lines.append(f"  last message: {_moment(session, 'last_inbound_at')}")
    lines.append(f"  last reply:   {_moment(session, 'last_reply_at')}")
    return [*lines, *(f"  {printable(line)}" for line in session.get(MODELS, ()))]


def _process(session: Mapping[str, Any]) -> str:
    return f" (pid {session['pid']} on {session['host']})" if session["pid"] else ""


def _moment(session: Mapping[str, Any], name: str) -> str:
    if session[name]:
        return local_text(datetime.fromisoformat(session[name]), "%Y-%m-%d %H:%M:%S")
    asked = session["inbox_pending"] is not None or str(session["reason"]).startswith(NEVER_RAN)
    return "never" if asked else "?"


def _until_a_model(kept: int | None) -> str:
    return f" (of them {kept} kept until a model answers)" if kept else ""


def _of_them(collected: int | None) -> str:
    return f" (of them {collected} to you, collected for five minutes)" if collected else ""


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
