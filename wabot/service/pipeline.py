"""The way of a message through the process: taken over and stored, answered, sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wabot.answers.budget import DailyBudget
from wabot.answers.escalation import Escalation
from wabot.answers.worker import make_workers, start_workers
from wabot.brain.brain import Brain
from wabot.brain.providers.counts import CallCounts, ChatCallCounts
from wabot.clock import process_clock, utc_now
from wabot.config.settings import RECEIPTS, Settings
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.gate import Rules
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.outreach import outreach_of
from wabot.conversation.owner_chat import OwnerChat
from wabot.conversation.pauses import Pauses
from wabot.conversation.schedule import ChatSchedule
from wabot.conversation.send_queue import SendQueue
from wabot.database.tables import TableWatch
from wabot.inbound.consequences import Consequences
from wabot.inbound.drain import SpoolDrain
from wabot.inbound.intake import Intake
from wabot.inbound.lost_messages import LostMessages
from wabot.inbound.reception import Reception
from wabot.inbound.spool import Spool
from wabot.link.dialer import Dialer
from wabot.outbound.chat_presence import ChatPresence
from wabot.outbound.pacing import Pacing, rates_so_far
from wabot.outbound.receipt_file import ReceiptFile
from wabot.outbound.receipts import Receipts
from wabot.outbound.sender import Sender
from wabot.outbound.unconfirmed import UnconfirmedSends
from wabot.outbound.upload import Uploads
from wabot.service.health import Health
from wabot.service.shutdown import stop_in_order
from wabot.session.wake_file import WakeFile
from wabot.status.record import SessionRecord
from wabot.system.threads import Pulse
from wabot.whatsapp.client import WhatsAppClient
from wabot.whatsapp.library_log import LossLog
from wabot.whatsapp.store import Account
from wabot.whatsapp.store_query import OpenStore

if TYPE_CHECKING:
    from wabot.media.first_file import FirstFile
    from wabot.media.worker import MediaWorker

_LAST_WRITE_SECONDS = 1.0
MEDIA_WORKERS = 2
"""More would only take more memory, and more of a transcriber at once."""


class Pipeline:
    """Builds what a message passes, joins it, and owns its threads.

    Args:
        settings: the configuration; the database is open.
        client: the WhatsApp client.
        health: watches what each thread promises.
        record: told when the last message came.
        account: who the bot is.

    Attributes:
        intake: takes messages, on the client library's thread.
        receipts: takes receipts, on the client library's thread.
        sender: the thread that sends.
        counts: what the models do.
        transcriptions: what the transcribers do.
        files: that came with messages.
        tables: knows when wabot's own tables are gone.
    """

    def __init__(
        self,
        settings: Settings,
        client: WhatsAppClient,
        health: Health,
        record: SessionRecord,
        account: Account,
    ) -> None:
        user_id = settings.account.user_id
        self.counts = CallCounts((provider.name for provider in settings.ai.providers), process_clock.now)
        self.transcriptions = CallCounts((each.name for each in settings.ai.transcribers), process_clock.now)
        self._settings = settings
        self._health = health
        self.tables = TableWatch()
        self._outreach = outreach_of(settings)
        self._wake_file = WakeFile(settings.wake_file)
        queue = SendQueue(user_id, self._outreach)
        self._inbox = Inbox(user_id)
        self._outbox = Outbox(user_id, queue.wakeup)
        self._presence = ChatPresence(queue.wakeup, settings.connection.presence == "available")
        self._schedule = ChatSchedule(settings.replies.debounce_seconds, at_once=settings.replies.workers)
        self._inbox.chats.on_merge = self._schedule.touch
        pauses = Pauses(self._inbox, self._outbox)
        owner_chat = OwnerChat(settings.account, self._outbox)
        rules = Rules.of(settings.account, settings.ai, settings.replies, settings.chats)
        consequences = Consequences(
            settings.account,
            settings.chats,
            self._inbox,
            self._outbox,
            pauses,
            owner_chat,
            self._presence,
        )
        self.files = ReceivedFiles(user_id)
        files = IncomingFiles.of(self.files, settings)
        self._reception = reception = Reception(rules, self._inbox, consequences, files, account, client)
        self._drain = SpoolDrain(
            Spool(settings.spool), reception, self._schedule, queue.wakeup, health.pulse("spool")
        )
        self.intake = Intake(reception, self._schedule, record, self._drain, health.pulse("intake"))
        self._lost = LostMessages(user_id, settings.session_store, self._inbox, self.intake, self._drain)
        self._loss_log = LossLog(self._lost)
        self.receipts = Receipts(queue, ReceiptFile(settings.session_directory / RECEIPTS))
        owner = Escalation(
            settings.chats.handover_pause_seconds, self._inbox, self._outbox, pauses, owner_chat
        )
        unconfirmed = UnconfirmedSends(
            queue,
            OpenStore(settings.session_store),
            self.receipts,
            settings.replies.in_doubt == "resend",
            owner,
        )
        self.sender = Sender(
            queue,
            Uploads(queue, client, settings.ai.knowledge, owner),
            unconfirmed,
            self.receipts,
            self._presence,
            Pacing(rates_so_far(user_id, settings.replies, utc_now()), self.intake.bursts, self._drain),
            client,
            owner,
            health.pulse("sender", settings.connection.send_timeout_seconds),
        )
        self._workers: list[threading.Thread] = []
        self._first_file: FirstFile | None = None
        self._media: list[MediaWorker] = []

    def start(self) -> None:
        """Start the threads; what was still to answer when the last process ended comes first.

        Before the client opens its store.
        """
        self._lost.begin()
        self._loss_log.listen()
        self.tables.start()
        for waiting in self._inbox.waiting():
            waited_seconds = (utc_now() - waiting.last_at).total_seconds()
            self._schedule.touch(waiting.chat_id, waited_seconds)
        self._drain.start()
        calls = ChatCallCounts()
        ai = self._settings.ai
        budget = DailyBudget(self._settings.account, ai)
        brain = self._brain = Brain(self._settings.brain, budget, self.counts, calls)
        self._lost.start()
        self.receipts.start()
        self.sender.start()
        longest_seconds = ai.longest_answer_seconds
        count = 2 * self._settings.replies.workers
        workers = make_workers(
            self._settings,
            self._inbox,
            self._outbox,
            self._schedule,
            brain,
            self._presence,
            [self._health.pulse(f"reply-{number}", longest_seconds) for number in range(1, count + 1)],
            calls,
            self.files,
        )
        self._workers = start_workers(workers)
        if ai.hears or ai.sees or ai.reads:
            self._wait_for_files(budget)

    def _wait_for_files(self, budget: DailyBudget) -> None:
        # A bot that reads no files loads nothing of this.
        from wabot.media.directory import MediaDirectory
        from wabot.media.first_file import FirstFile

        pulses = [self._health.pulse(f"media-{number}") for number in range(1, MEDIA_WORKERS + 1)]
        directory = MediaDirectory(self._settings.media_directory)
        self._first_file = FirstFile(self.files, directory, lambda: self._start_media(budget, pulses))
        self._first_file.start()

    def _start_media(self, budget: DailyBudget, pulses: Sequence[Pulse]) -> None:
        # What reads them takes memory, and waits for the first one.
        from wabot.media.workers import make_media_workers, readers_of

        readers = readers_of(self._settings, budget, self.transcriptions)
        self._media = make_media_workers(
            self._settings, self.files, self._reception, self._schedule, readers, pulses
        )
        for worker in self._media:
            worker.start()

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
        """That no model or no transcriber answers, since when and why; "" while nothing speaks against it."""
        troubles = []
        for what, outage in (("model", self.counts.outage), ("transcriber", self.transcriptions.outage)):
            if outage is not None:
                since = datetime.fromtimestamp(outage.first_at, UTC).astimezone(self._settings.account.zone)
                troubles.append(f"no {what} answers since {since:%d %b %H:%M} ({outage.reason})")
        return "; ".join(troubles)

    def look_for_orders(self) -> None:
        """Have what a command has put into the outbox sent."""
        if self._wake_file.has_rung():
            self._outreach.look_again()
            self.sender.rouse()

    def account_is_linked(self) -> None:
        """Take what the library stores now for new: the phone accepted the code."""
        self._lost.start_over()

    def link_ended(self) -> None:
        """Account for what the library dropped; on the link's thread, between two connections."""
        self.receipts.were_lost()
        self._lost.link_ended()

    def stop(self, disconnect: Callable[[], None], link: Dialer, patience_seconds: float) -> None:
        """Take nothing new, finish what is on its way, and leave the line in the order that loses nothing.

        Args:
            disconnect: closes the socket; may hang.
            link: the thread that stays on the line.
            patience_seconds: for all of it.
        """
        self.tables.stop()
        self._schedule.close()
        if self._first_file is not None:
            self._first_file.stop(_LAST_WRITE_SECONDS)
        for worker in self._media:
            # One that waits for the network is left behind: its row is as it was.
            worker.stop()
        self.intake.close()
        let_go = stop_in_order(
            self.sender, self._workers, disconnect, self.intake.seconds_since_message, link, patience_seconds
        )
        self._drain.stop(_LAST_WRITE_SECONDS)
        in_order = let_go and not self.intake.dropped and not self._drain.outage.lasts
        self._lost.stop(_LAST_WRITE_SECONDS, in_order)
        self.receipts.stop(_LAST_WRITE_SECONDS)
