"""What the client library's events and error texts mean, as signals for the state machine.

Works on the library's objects by their fields alone and imports nothing of it. The texts are those of neonize
0.5.2 with whatsmeow of September 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from wabot.system.units import own_command
from wabot.whatsapp.reading.translation import jid_text


class Signal(StrEnum):
    """What can happen to the link."""

    STARTED = "started"
    QR_SHOWN = "qr shown"
    PAIRED = "paired"
    PAIRING_FAILED = "pairing failed"
    PASSKEY_REQUIRED = "passkey required"
    AUTHENTICATED = "authenticated"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    KEEPALIVE_LOST = "keepalive lost"
    KEEPALIVE_RESTORED = "keepalive restored"
    SOCKET_GONE = "socket gone"
    STREAM_ERROR = "stream error"
    REDIAL_FAILED = "redial failed"
    REDIAL_GIVEN_UP = "redial given up"
    REPLACED = "replaced"
    LOGGED_OUT = "logged out"
    TEMPORARY_BAN = "temporary ban"
    CONNECT_FAILURE = "connect failure"
    CLIENT_OUTDATED = "client outdated"
    DIAL_FAILED = "dial failed"
    STORE_FAILED = "store failed"
    LINK_BROKEN = "link broken"
    EVENTS_STOPPED = "events stopped"
    WAIT_OVER = "wait over"
    TOO_UNSTABLE = "too unstable"
    DISK_FULL = "disk full"
    ROOM_AGAIN = "room again"
    GAVE_UP = "gave up"
    STOP_REQUESTED = "stop requested"


_LOGGED_OUT_REASONS = {
    "LOGGED_OUT": "the phone removed this linked device (401); pair again",
    "MAIN_DEVICE_GONE": "the phone is locked, reset or banned (403); see the phone, pair again",
    "UNKNOWN_LOGOUT": "WhatsApp ended the session, often by a ban (406); see the phone, pair again",
}
_BAN_REASONS = {
    "SEND_TO_TOO_MANY_PEOPLE": "too many messages to strangers (101)",
    "BLOCKED_BY_USERS": "too many people blocked this number (102)",
    "CREATED_TOO_MANY_GROUPS": "too many groups created (103)",
    "SENT_TOO_MANY_SAME_MESSAGE": "the same message too often (104)",
    "BROADCAST_LIST": "too many messages to a broadcast list (106)",
}
# The library hands over its own numbers instead of WhatsApp's.
_REFUSAL_CODES = {"GENERIC": 400, "BAD_USER_AGENT": 409, "EXPERIMENTAL": 501}
_SURELY_NOT_SENT = (
    # By itself "websocket not connected" means that the frame was to leave for the second time.
    "failed to send message node: websocket not connected",
    "failed to get user info",
    "failed to get device list",
    "the store doesn't contain a device JID",
    "client is nil",
)
# It did not leave either, but not for want of a connection: a fresh one would not help.
_REFUSED = re.compile(r"server returned error (\d+)|info query returned status (\d+)|no LID found")
_SHUT_OUT, _THROTTLED, _TIMED_OUT, _SERVERS_OWN = 463, 429, 408, range(500, 600)
_UNKNOWN_BAN_SECONDS = 3600.0
_LONGEST_BAN_SECONDS = 365 * 86_400
# How long one dial shows codes (measured with neonize 0.5.2).
_CODES_SECONDS = 160.0


class SendOutcome(StrEnum):
    """What became of a message that could not be sent."""

    NOT_SENT = "not sent"
    BUSY = "not now"
    THROTTLED = "nothing now"
    SHUT_OUT = "not to this chat"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"


class SendFailed(Exception):
    """A message was not confirmed by WhatsApp's server."""

    def __init__(self, outcome: SendOutcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class LinkCodeRefused(Exception):
    """WhatsApp makes no code to type on a phone."""


@dataclass(frozen=True, slots=True)
class LinkSignal:
    """A signal for the state machine, with what people need to know about it."""

    signal: Signal
    reason: str = ""
    wait_seconds: float = 0.0
    detail: str = ""


class SignalSink(Protocol):
    """Where signals go, from any thread."""

    def put(self, link_signal: LinkSignal, /) -> None:
        """Take one; returns at once."""


OUTDATED = LinkSignal(
    Signal.CLIENT_OUTDATED,
    "WhatsApp no longer accepts this client library (405): upgrade wabot",
)


def ended(error: str, refusal: Callable[[], Mapping[str, int]]) -> LinkSignal:
    """Why `connect` raised.

    Args:
        error: the text of its error.
        refusal: tells the numbers in the service's refusal of the login, which the error leaves out.
    """
    if "required field" in error:
        # The event loop died on a value it has no name for; the socket may live on and lose messages.
        if "TemporaryBan" in error:
            numbers = refusal()
            return _temporary_ban(f"for a new reason ({numbers.get('code', '?')})", numbers.get("expire", 0))
        if "ConnectFailure" in error:
            return _login_refused(refusal().get("reason", "unknown"))
        return LinkSignal(Signal.EVENTS_STOPPED, f"the client library stopped handing over events ({error})")
    if "database is locked" in error:
        # It waited 5 s (measured). A backup, say, lets go of it again.
        return LinkSignal(Signal.DIAL_FAILED, "another program has the session store locked")
    if "no space left" in error or "disk is full" in error:
        # Nothing is wrong with it; the next dial waits until there is room.
        return LinkSignal(Signal.DIAL_FAILED, "the disk is full, and the session store takes nothing")
    if "database" in error or "file is not" in error:
        return LinkSignal(
            Signal.STORE_FAILED,
            f"the session store cannot be used ({error}): "
            f"{own_command('doctor')} names the commands that help",
        )
    return LinkSignal(Signal.DIAL_FAILED, _plain_dial_error(error))


def pairing_outcome(status: str, shown_seconds: float) -> LinkSignal | None:
    """What became of a pairing, by the status the library tells of the login; None when it goes on.

    Args:
        status: its word.
        shown_seconds: for how long codes have been on show.
    """
    if status == "passkey-request":
        reason = "this account asks for a passkey to link a device, which the client library cannot do"
        return LinkSignal(Signal.PASSKEY_REQUIRED, reason)
    if status == "err-client-outdated":
        return OUTDATED
    if status == "timeout":
        # It says so as well when the connection is lost while the code shows.
        if shown_seconds < _CODES_SECONDS - 5:
            return LinkSignal(Signal.PAIRING_FAILED, "the connection was lost while the code was on show")
        return LinkSignal(Signal.PAIRING_FAILED, "nobody scanned the code in time")
    if status == "success":
        return None
    return LinkSignal(Signal.PAIRING_FAILED, f"the phone could not be linked ({status})")


def stream_ended(code: str) -> LinkSignal:
    """WhatsApp ended the stream, and the library redials."""
    return LinkSignal(Signal.STREAM_ERROR, f"WhatsApp ended the stream (code {code or 'none'})")


def redial_failed(error: str) -> LinkSignal:
    """A redial of the library came to nothing; it tries again by itself."""
    return LinkSignal(Signal.REDIAL_FAILED, _plain_dial_error(error))


def _plain_dial_error(error: str) -> str:
    """The last, specific part of Go's chain of wrapped errors."""
    return "no connection to WhatsApp: " + error.rpartition(": ")[2]


def outcome(error: str) -> SendOutcome:
    """What became of a message, by the text of the error its sending raised.

    WhatsApp has a code for each refusal: 408 and 5xx pass, and 429 does when it is left alone for a while.
    463 says that this device may not write to that person now: they, or the phone, have to begin. The others,
    as 400, 403, 404 and 479, are about this very message or number, and for good.
    """
    refused = _REFUSED.search(error)
    if refused:
        return _of_code(int(refused[1] or refused[2] or 0))
    if any(text in error for text in _SURELY_NOT_SENT):
        return SendOutcome.NOT_SENT
    return SendOutcome.IN_DOUBT


def _of_code(code: int) -> SendOutcome:
    if code == _SHUT_OUT:
        return SendOutcome.SHUT_OUT
    if code == _THROTTLED:
        return SendOutcome.THROTTLED
    return SendOutcome.BUSY if code == _TIMED_OUT or code in _SERVERS_OWN else SendOutcome.REFUSED


def paired(event: Any) -> LinkSignal:
    """The phone accepted the code (PairStatusEv)."""
    return LinkSignal(Signal.PAIRED, "the phone accepted; logging in", detail=jid_text(event.ID))


def logged_out(event: Any) -> LinkSignal:
    """The session is over for good (LoggedOutEv)."""
    name = _enum_name(event, "Reason")
    reason = _LOGGED_OUT_REASONS.get(name, f"WhatsApp logged this device out ({name.lower()}); pair again")
    return LinkSignal(Signal.LOGGED_OUT, reason, detail=name)


def banned(event: Any) -> LinkSignal:
    """The number may not connect for a while (TemporaryBanEv; Expire is in seconds)."""
    why = _BAN_REASONS.get(_enum_name(event, "Code"), "for an unknown reason")
    return _temporary_ban(why, int(event.Expire))


def _temporary_ban(why: str, seconds: int) -> LinkSignal:
    wait_seconds = float(min(seconds, _LONGEST_BAN_SECONDS)) if seconds > 0 else _UNKNOWN_BAN_SECONDS
    return LinkSignal(Signal.TEMPORARY_BAN, f"temporarily banned: {why}", wait_seconds)


def refused(event: Any) -> LinkSignal:
    """The login was refused and the library does not redial (ConnectFailureEv)."""
    name = _enum_name(event, "Reason")
    return _login_refused(_REFUSAL_CODES.get(name, name.lower()))


def _login_refused(code: int | str) -> LinkSignal:
    return LinkSignal(Signal.CONNECT_FAILURE, f"WhatsApp refused the login (code {code})")


def _enum_name(event: Any, field: str) -> str:
    descriptor = event.DESCRIPTOR.fields_by_name[field]
    value = descriptor.enum_type.values_by_number.get(getattr(event, field))
    return str(value.name) if value else "unknown"
