"""The states of the link, what can happen to it, and the one table that joins them.

Data only.
"""

from __future__ import annotations

from enum import StrEnum

from wabot.errors import ExitCode
from wabot.whatsapp.signals import Signal


class State(StrEnum):
    """What the link is; the names are what `wabot status` prints."""

    STARTING = "starting"
    PAIRING = "pairing"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    BACKOFF = "backoff"
    BANNED = "banned"
    COOLDOWN = "cooldown"
    NO_ROOM = "no_room"
    STOPPING = "stopping"
    REPLACED = "replaced"
    LOGGED_OUT = "logged_out"
    OUTDATED = "outdated"
    PAIRING_EXPIRED = "pairing_expired"
    FAILED = "failed"


S, E = State, Signal

TERMINAL_STATES = frozenset({S.REPLACED, S.LOGGED_OUT, S.OUTDATED, S.PAIRING_EXPIRED, S.FAILED})
WAITING_STATES = frozenset({S.BACKOFF, S.BANNED, S.COOLDOWN})
LIVE_STATES = frozenset(S) - TERMINAL_STATES - {S.STOPPING}
# A link is sought; one try may pass through all of them.
SEEKING_STATES = frozenset({S.CONNECTING, S.RECONNECTING, S.BACKOFF})
STOPPED = "stopped"
"""What is said of a session in place of a state when no process has it."""

EXIT_CODES = {
    S.REPLACED: ExitCode.SESSION_ENDED,
    S.LOGGED_OUT: ExitCode.SESSION_ENDED,
    S.OUTDATED: ExitCode.CLIENT_OUTDATED,
    S.PAIRING_EXPIRED: ExitCode.OPERATOR_NEEDED,
    S.FAILED: ExitCode.SESSION_ENDED,
    S.STOPPING: ExitCode.OK,
}

_DIALLED_STATES = (S.PAIRING, S.CONNECTING, S.CONNECTED, S.RECONNECTING)

# Everything not listed here leaves the state as it is: a late echo of something already dealt with.
TRANSITIONS: dict[tuple[State, Signal], State] = {
    (S.STARTING, E.STARTED): S.CONNECTING,
    (S.CONNECTING, E.QR_SHOWN): S.PAIRING,
    (S.PAIRING, E.PAIRED): S.CONNECTING,
    (S.PAIRING, E.AUTHENTICATED): S.CONNECTING,
    (S.CONNECTING, E.AUTHENTICATED): S.CONNECTING,
    (S.RECONNECTING, E.AUTHENTICATED): S.RECONNECTING,
    (S.PAIRING, E.PAIRING_FAILED): S.PAIRING_EXPIRED,
    (S.CONNECTING, E.PAIRING_FAILED): S.PAIRING_EXPIRED,
    (S.PAIRING, E.PASSKEY_REQUIRED): S.PAIRING_EXPIRED,
    (S.CONNECTING, E.PASSKEY_REQUIRED): S.PAIRING_EXPIRED,
    (S.CONNECTING, E.CONNECTED): S.CONNECTED,
    (S.PAIRING, E.CONNECTED): S.CONNECTED,
    (S.RECONNECTING, E.CONNECTED): S.CONNECTED,
    (S.CONNECTED, E.DISCONNECTED): S.RECONNECTING,
    (S.CONNECTING, E.DISCONNECTED): S.RECONNECTING,
    (S.CONNECTED, E.SOCKET_GONE): S.RECONNECTING,
    (S.RECONNECTING, E.REDIAL_FAILED): S.RECONNECTING,
    (S.RECONNECTING, E.DISCONNECTED): S.RECONNECTING,
    (S.CONNECTED, E.STREAM_ERROR): S.RECONNECTING,
    (S.CONNECTING, E.STREAM_ERROR): S.RECONNECTING,
    (S.CONNECTED, E.KEEPALIVE_LOST): S.RECONNECTING,
    (S.RECONNECTING, E.KEEPALIVE_RESTORED): S.CONNECTED,
    # Not while a code is on show: only the end of the process frees the library from that.
    **{
        (state, E.DISK_FULL): S.NO_ROOM
        for state in (S.STARTING, S.CONNECTING, S.CONNECTED, S.RECONNECTING, S.BACKOFF)
    },
    (S.NO_ROOM, E.ROOM_AGAIN): S.CONNECTING,
    (S.CONNECTED, E.TOO_UNSTABLE): S.COOLDOWN,
    (S.CONNECTING, E.TOO_UNSTABLE): S.COOLDOWN,
    (S.RECONNECTING, E.TOO_UNSTABLE): S.COOLDOWN,
    **{(state, E.GAVE_UP): S.FAILED for state in LIVE_STATES},
    **{(state, E.LINK_BROKEN): S.CONNECTING for state in _DIALLED_STATES},
    **{(state, E.EVENTS_STOPPED): S.CONNECTING for state in _DIALLED_STATES},
    **{(state, E.DIAL_FAILED): S.BACKOFF for state in _DIALLED_STATES},
    **{(state, E.CONNECT_FAILURE): S.BACKOFF for state in _DIALLED_STATES},
    **{(state, E.TEMPORARY_BAN): S.BANNED for state in _DIALLED_STATES},
    **{(state, E.WAIT_OVER): S.CONNECTING for state in WAITING_STATES},
    **{(state, E.REPLACED): S.REPLACED for state in LIVE_STATES},
    **{(state, E.LOGGED_OUT): S.LOGGED_OUT for state in LIVE_STATES},
    **{(state, E.CLIENT_OUTDATED): S.OUTDATED for state in LIVE_STATES},
    **{(state, E.STORE_FAILED): S.FAILED for state in LIVE_STATES},
    **{(state, E.STOP_REQUESTED): S.STOPPING for state in LIVE_STATES},
}

# What people read: what the state means, and what they should do about it.
MEANINGS: dict[State, tuple[str, str]] = {
    S.STARTING: ("the process is getting ready", "wait"),
    S.PAIRING: ("no number is linked yet; a QR code is shown", "scan it with the phone: Linked devices"),
    S.CONNECTING: ("a dial is under way", "wait; past its deadline wabot dials afresh"),
    S.CONNECTED: ("messages are answered", "nothing"),
    S.RECONNECTING: ("the link dropped and the library redials; replies wait", "wait"),
    S.BACKOFF: (
        "WhatsApp cannot be reached; wabot tries again after a pause",
        "check the network if it stays",
    ),
    S.BANNED: ("WhatsApp banned the number for a while", "wait; wabot redials when the ban is over"),
    S.COOLDOWN: ("the link fell too often in a row and rests", "look for another program on this number"),
    S.NO_ROOM: (
        "the disk is full; the bot has hung up, and WhatsApp keeps the messages",
        "free some space; the bot dials again by itself",
    ),
    S.STOPPING: ("asked to stop; what is being sent is finished", "wait"),
    S.REPLACED: ("another program logged in with this session", "stop that one, then start wabot"),
    S.LOGGED_OUT: (
        "the phone or WhatsApp ended the link; the history is kept",
        "check the phone, pair again",
    ),
    S.OUTDATED: ("WhatsApp no longer accepts this client library", "upgrade wabot"),
    S.PAIRING_EXPIRED: ("nobody scanned the code, or the phone refused", "start again for a new code"),
    S.FAILED: (
        "WhatsApp keeps refusing the login, or the store is damaged",
        "read the reason in the journal",
    ),
}
