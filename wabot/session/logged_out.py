"""Keeps what a log-out deletes: the client library removes the keys of a session that is told to be over.

Mostly that is true, and then the keys are worth nothing. Where it was not, as when a proxy answered in
WhatsApp's place, the session that was put aside is the only way back without the phone.
"""

from __future__ import annotations

import logging

from wabot.clock import utc_now
from wabot.config.settings import Settings
from wabot.session.quarantine import Quarantine, QuarantineEntry
from wabot.system.units import own_command
from wabot.whatsapp.store import COPY

log = logging.getLogger(__name__)

_REASON = "logged out: "


def put_aside(settings: Settings, reason: str) -> None:
    """Move the copy of the linked session to the quarantine, if there is one; a rename, no look into it.

    Args:
        settings: where it is.
        reason: how the session ended.
    """
    copy = settings.session_directory / COPY
    if not copy.exists():
        return
    try:
        entry = Quarantine(settings.quarantine, settings.sessions).take_copy(
            settings.account.user_id, copy, _REASON + reason, utc_now()
        )
    except OSError as error:
        log.warning("%s cannot be moved to %s: %s", copy, settings.quarantine, error.strerror)
        return
    restore = own_command(f"janitor --restore {entry.name}")
    log.warning(
        "the session as it was is in %s for a while; if the log-out was none: %s",
        settings.quarantine,
        restore,
    )


def is_of_log_out(entry: QuarantineEntry) -> bool:
    """Whether a session was put aside because WhatsApp said that it is over: nothing to remind anybody of."""
    return entry.reason.startswith(_REASON)
