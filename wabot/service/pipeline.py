"""The way of a message through the process: taken over and stored, answered, sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from wabot.answers.answering import Escalation
from wabot.answers.budget import DailyBudget
from wabot.answers.worker import ReplyWorker, start_workers
from wabot.brain.brain import Brain
from wabot.brain.providers.counts import CallCounts, ChatCallCounts
from wabot.clock import process_clock, utc_now
from wabot.config.settings import RECEIPTS, Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice, Unanswered
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses
from wabot.conversation.schedule import ChatSchedule
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.database.tables import TableWatch
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.intake import Intake
from wabot.inbound.lost_messages import LostMessages
from wabot.inbound.reception import Reception
from wabot.inbound.spool import Spool
from wabot.link.dialer import Dialer
from wabot.outbound.pacing import rates_so_far
from wabot.outbound.receipt_file import ReceiptFile
from wabot.outbound.receipts import Receipts
from wabot.outbound.sender import Messenger, Sender
from wabot.outbound.unconfirmed import UnconfirmedSends
from wabot.service.health import Health
from wabot.service.shutdown import stop_in_order
from wabot.status.record import SessionRecord
from wabot.whatsapp.library_log import LossLog
from wabot.whatsapp.signals import LinkSignal
from wabot.whatsapp.store_query import ask_message_ids

_LAST_WRITE_SECONDS = 1.0


class Pipeline:
    """Builds what a message passes, joins it, and owns its threads.

    Args:
        settings: the configuration; the database is open.
        messenger: the WhatsApp client.
        on_signal: told when the link turns out to be dead.
        health: told by each thread when it will be done.
        record: told when the last message came.
        own_ids: user parts of the account's own JIDs.
        read_edit: reads an edit that was sealed and is opened.

    Attributes:
        intake: takes messages, on the client library's thread.
        receipts: takes receipts, on the client library's thread.
        sender: the thread that sends.
        lost: finds what the client library acknowledged and dropped.
        tally: counts what the models do.
        tables: knows when wabot's own tables are gone.
    """

    def __init__(
        self,
        settings: Settings,
        messenger: Messenger,
        on_signal: Callable[[LinkSignal], None],
        health: Health,
        record: SessionRecord,
        own_ids: Callable[[], frozenset[str]],
        read_edit: Callable[[bytes], str],
    ) -> None:
        user_id = settings.account.user_id
        self.counts = CallCounts((provider.name for provider in settings.ai.providers), process_clock.now)
        self._settings = settings
        self._health = health
        self.tables = TableWatch()
        self._inbox = Inbox(user_id)
        self._outbox = Outbox(user_id)
        self._schedule = ChatSchedule(settings.replies.debounce, at_once=settings.replies.workers)
        reception = Reception(
            settings,
            self._inbox,
            self._outbox,
            own_ids,
            lambda jid: self.sender.presence.answer_withdrawn(jid),
            lambda: self.sender.wake(),
            self._schedule.touch,
            read_edit,
        )
        self._drain = SpoolDrain(
            Spool(settings.spool),
            reception,
            self._schedule,
            lambda: self.sender.wake(),
            partial(self._beat, "spool"),
        )
        self.intake = Intake(reception, self._schedule, record, self._drain, partial(self._beat, "intake"))
        replies = SendQueue(user_id)
        self.receipts = Receipts(
            replies, lambda: self.sender.wake(), ReceiptFile(settings.session_directory / RECEIPTS)
        )
        self.lost = LostMessages(
            user_id, settings.session_store, self._inbox, self.intake.take_lost, self._is_behind
        )
        self._loss_log = LossLog(self.lost.ignored, self.lost.start_over)
        unconfirmed = UnconfirmedSends(
            replies,
            partial(ask_message_ids, settings.session_store),
            self.receipts.arrived,
            settings.replies.in_doubt == "resend",
            partial(_tell_unsure, OwnerChat(settings, self._outbox)),
        )
        self.sender = Sender(
            replies,
            unconfirmed,
            self.receipts,
            self.intake.bursts,
            messenger,
            on_signal,
            partial(self._beat, "sender"),
            settings.connection.presence == "available",
            rates_so_far(settings, utc_now()),
            settings.connection.send_timeout_seconds,
            self._is_behind,
            Escalation(settings, self._outbox, Pauses(self._inbox, self._outbox)).leave_shut_out,
        )

    def start(self) -> None:
        """Start the threads; what was still to answer when the last process ended comes first.

        Before the client opens its store.
        """
        self.lost.begin()
        self._loss_log.listen()
        self.tables.start()
        for waiting in self._inbox.waiting():
            waited_seconds = (utc_now() - waiting.last_at).total_seconds()
            self._schedule.touch(waiting.chat_id, waited_seconds)
        self._drain.start()
        calls = ChatCallCounts()
        brain = self._brain = Brain(self._settings.brain, DailyBudget(self._settings), self.counts, calls)
        self.lost.start()
        self.receipts.start()
        self.sender.start()
        self._workers = start_workers(
            [
                ReplyWorker(
                    self._settings,
                    self._inbox,
                    self._outbox,
                    self._schedule,
                    brain,
                    self.sender.presence,
                    self.sender.wake,
                    partial(self._beat, f"reply-{number}"),
                    calls,
                )
                for number in range(1, 2 * self._settings.replies.workers + 1)
            ]
        )

    def load_models(self) -> None:
        """Load what asks models on a thread of its own, once the line is dialled; returns at once."""
        if self._settings.ai.providers:
            threading.Thread(target=self._brain.load, name="models", daemon=True).start()

    @property
    def trouble(self) -> str:
        """What keeps messages from being stored as they come; "" while all is well."""
        return self.tables.trouble or self._drain.trouble

    @property
    def models_trouble(self) -> str:
        """That no model answers, since when and why; "" while nothing speaks against it."""
        outage = self.counts.outage
        if outage is None:
            return ""
        since = datetime.fromtimestamp(outage.first_at, UTC).astimezone(self._settings.account.zone)
        return f"no model answers since {since:%d %b %H:%M} ({outage.reason})"

    def account_is_linked(self) -> None:
        """The phone accepted the code: what the store holds is new."""
        self.lost.start_over()

    def link_ended(self) -> None:
        """On the link's thread, between two connections: the library has dropped what it held."""
        self.receipts.were_lost()
        self.lost.link_ended()

    def stop(self, disconnect: Callable[[], None], link: Dialer, patience_seconds: float) -> None:
        """Take nothing new, finish what is on its way, and leave the line in the order that loses nothing.

        Args:
            disconnect: closes the socket; may hang.
            link: the thread that stays on the line.
            patience_seconds: for all of it.
        """
        self.tables.stop()
        self._schedule.close()
        self.intake.close()
        let_go = stop_in_order(
            self.sender, self._workers, disconnect, self.intake.seconds_since_message, link, patience_seconds
        )
        self._drain.stop(_LAST_WRITE_SECONDS)
        in_order = let_go and not self.intake.dropped and not self._drain.outage.lasts
        self.lost.stop(_LAST_WRITE_SECONDS, in_order)
        self.receipts.stop(_LAST_WRITE_SECONDS)

    def _is_behind(self) -> bool:
        return self._drain.is_behind

    def _beat(self, name: str, deadline_seconds: float) -> None:
        if deadline_seconds:
            self._health.beat(name, time.monotonic(), deadline_seconds)
        else:
            self._health.idle(name)


def _tell_unsure(owner_chat: OwnerChat, reply: Outbound) -> None:
    if reply.source not in (Notice.STATUS, Notice.UNANSWERED):
        owner_chat.tell_unanswered(reply.chat, utc_now(), Unanswered.UNSURE)
