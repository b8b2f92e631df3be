"""Sessions as `wabot status` shows them to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from wabot.clock import local_text
from wabot.status.sessions import NEVER_RAN, SessionStatus
from wabot.system.terminal import printable

_MOST_IN_FULL = 10
_SECONDS = "%Y-%m-%d %H:%M:%S"


def as_table(sessions: Sequence[SessionStatus]) -> str:
    """All sessions as text: of several the total first, then those with something wrong.

    Of many, each that works is one line.
    """
    working = [session for session in sessions if session.is_connected]
    others = [session for session in sessions if not session.is_connected]
    lines = [_total(sessions)] if len(sessions) > 1 else []
    for session in others:
        lines += _whole(session)
    for session in working:
        lines += _whole(session) if len(sessions) <= _MOST_IN_FULL else [_in_one_line(session)]
    return "\n".join(lines)


def _total(sessions: Sequence[SessionStatus]) -> str:
    states = Counter(session.state.replace("_", " ") for session in sessions)
    each = ", ".join(f"{number} {state}" for state, number in states.most_common())
    return f"{len(sessions)} numbers: {each}; {_work(sessions)}"


def _work(sessions: Sequence[SessionStatus]) -> str:
    """What there is to do in these sessions, as far as it is known."""
    to_answer = sum(session.inbox_pending or 0 for session in sessions)
    to_send = sum(session.outbox_pending or 0 for session in sessions)
    not_delivered = sum(session.outbox_dead or 0 for session in sessions)
    return f"to answer: {to_answer}, to send: {to_send}, not delivered: {not_delivered}"


def _in_one_line(session: SessionStatus) -> str:
    reason = f" ({session.reason})" if session.reason else ""
    return printable(f"{_head(session)}{reason}; {_work([session])}")


def _head(session: SessionStatus) -> str:
    who = f" as +{session.phone}" if session.phone and session.is_connected else ""
    since = f" since {local_text(session.since, _SECONDS)}" if session.since and session.pid else ""
    return f"{session.name}: {session.state}{who}{since}"


def _whole(session: SessionStatus) -> list[str]:
    lines = [printable(f"{_head(session)}{_process(session)}")]
    if session.reason:
        lines.append(f"  {printable(session.reason)}")
    kept = f" (of them {session.kept} kept until a model answers)" if session.kept else ""
    collected = (
        f" (of them {session.collected} to you, collected for five minutes)" if session.collected else ""
    )
    lines.append(
        f"  to answer: {_number(session.inbox_pending)}{kept}"
        f"   to send: {_number(session.outbox_pending)}{collected}"
        f"   not delivered: {_number(session.outbox_dead)}"
    )
    if session.lost:
        lines.append(f"  lost in the client library, customers asked to repeat: {session.lost}")
    if session.undecryptable:
        lines.append(f"  could not be decrypted, or kept from linked devices: {session.undecryptable}")
    lines.append(f"  last message: {_when(session, session.last_inbound_at)}")
    lines.append(f"  last reply:   {_when(session, session.last_reply_at)}")
    return [*lines, *(f"  {printable(line)}" for line in session.models)]


def _process(session: SessionStatus) -> str:
    return f" (pid {session.pid} on {session.host})" if session.pid else ""


def _when(session: SessionStatus, moment: datetime | None) -> str:
    if moment is not None:
        return local_text(moment, _SECONDS)
    is_known = session.inbox_pending is not None or session.reason.startswith(NEVER_RAN)
    return "never" if is_known else "?"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
