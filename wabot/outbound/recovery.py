"""Looks after what was on its way when the last process ended."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

from wabot.clock import utc_now
from wabot.config.settings import Settings
from wabot.conversation.chats import masked
from wabot.conversation.outbox import Outbox
from wabot.conversation.send_queue import Departures
from wabot.session.store_pruning import note_position, prune
from wabot.whatsapp.store import find_message_ids

log = logging.getLogger(__name__)

_PRUNING_SECONDS = 2.0
_EXPIRE_REPLIES_AFTER = timedelta(hours=24)


def recover_in_flight(replies: Departures, store: Path) -> None:
    """Find out about the replies that were leaving when the last process ended; before the client is opened.

    One whose secret is not in the client's store surely did not leave and is sent again as if nothing had
    happened; any other is in doubt until a device of the customer confirms it.
    """
    rows = [row for row in replies.unsettled() if not (row.state == "in_doubt" and row.message_id)]
    known = find_message_ids(store, [bytes(row.secret) for row in rows])
    for row in rows:
        message_id = known.get(bytes(row.secret))
        if message_id is None:
            replies.put_back(row, "the process ended before it left", row.not_before)
            log.info(
                "reply %d to %s had not left when the last process ended; it is sent now",
                row.id,
                masked(row.chat),
            )
        else:
            replies.mark_in_doubt(row, f"the process ended while {message_id} was leaving", message_id)
            log.info("reply %d to %s was leaving when the last process ended", row.id, masked(row.chat))


def forget_old_senders(settings: Settings) -> None:
    """Delete from the client's store who wrote longer ago than messages are kept; before it is opened."""
    user_id, now = settings.account.user_id, utc_now()
    history = timedelta(days=settings.janitor.history_days)
    note_position(user_id, settings.session_store, now, history)
    prune(user_id, settings.session_store, now, history, _PRUNING_SECONDS)


def give_up_old_replies(outbox: Outbox) -> None:
    """Nobody waits any more for a reply that could not leave for a day."""
    expired = outbox.expire(utc_now() - _EXPIRE_REPLIES_AFTER)
    if expired:
        log.warning("%d replies older than a day were given up", expired)
