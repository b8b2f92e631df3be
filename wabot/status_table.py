"""What `wabot status` prints for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabot.printable import printable
from wabot.states import State
from wabot.status import COLLECTED, KEPT, LOST, MODELS, NEVER_RAN


def as_table(sessions: list[dict[str, Any]]) -> str:
    """Every session, as `all_sessions` found it, in a few lines."""
    lines = []
    for session in sessions:
        who = f" as +{session['phone']}" if session["phone"] and session["state"] == State.CONNECTED else ""
        since = f" since {_moment(session, 'since')}" if session["since"] and session["pid"] else ""
        lines.append(printable(f"{session['name']}: {session['state']}{who}{since}{_process(session)}"))
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
        lines += [f"  {line}" for line in session.get(MODELS, ())]
    return "\n".join(lines)


def _process(session: Mapping[str, Any]) -> str:
    return f" (pid {session['pid']} on {session['host']})" if session["pid"] else ""


def _moment(session: Mapping[str, Any], name: str) -> str:
    if session[name]:
        return str(session[name]).replace("T", " ").replace("Z", " UTC")
    asked = session["inbox_pending"] is not None or str(session["reason"]).startswith(NEVER_RAN)
    return "never" if asked else "?"


def _until_a_model(kept: int | None) -> str:
    return f" (of them {kept} kept until a model answers)" if kept else ""


def _of_them(collected: int | None) -> str:
    return f" (of them {collected} to you, collected for five minutes)" if collected else ""


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
