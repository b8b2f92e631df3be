"""WhatsApp as wabot sees it: signals and messages in, messages and files out. The only importer of neonize.

What is odd here was measured with neonize 0.5.2. Import this module only after logging is configured (neonize
calls basicConfig) and process.LIBRARY_ENVIRONMENT is in the environment.
"""

from __future__ import annotations

import ctypes
import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wabot.whatsapp.lean_import import without

with without():
    from google.protobuf.message import DecodeError
    from neonize import events
    from neonize._binder import ProxySettings
    from neonize.client import NewClient
    from neonize.exc import NeonizeError
    from neonize.proto.Neonize_pb2 import JID
    from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
    from neonize.utils import enum
    from neonize.utils.jid import build_jid

from wabot.clock import process_clock
from wabot.whatsapp.library_log import LibraryLog
from wabot.whatsapp.messages import IncomingMessage, Receipt
from wabot.whatsapp.outgoing import FileKind, Outgoing, UploadFailed, fill, harmless_reason, taken_file
from wabot.whatsapp.reading.translation import edited_text, incoming_message, receipt, undecryptable_message
from wabot.whatsapp.signals import (
    OUTDATED,
    LinkCodeRefused,
    LinkSignal,
    SendFailed,
    Signal,
    SignalSink,
    banned,
    ended,
    logged_out,
    outcome,
    paired,
    pairing_outcome,
    refused,
    stream_ended,
)
from wabot.whatsapp.uploads import UploadedFile

log = logging.getLogger(__name__)
_names: set[str] = set()
_MEDIA_TYPES: dict[FileKind, Any] = {
    "image": enum.MediaType.MediaImage,
    "video": enum.MediaType.MediaVideo,
    "voice": enum.MediaType.MediaAudio,
    "document": enum.MediaType.MediaDocument,
}


class WhatsAppClient:
    """The one client of a session in this process.

    Args:
        store: path of the library's SQLite file.
        name: fixed id of the client inside the library.
        proxy: address of a proxy, or "".

    Raises:
        RuntimeError: there was one already. The library knows clients by name alone, and stops the living one
            when another of its name is collected as garbage (neonize 0.5.2, weakref.finalize).
    """

    def __init__(
        self,
        store: Path,
        name: str,
        proxy: str = "",
    ) -> None:
        if name in _names:
            raise RuntimeError(f"a second client {name}: when it is collected, the first one is stopped")
        _names.add(name)
        self._proxy = proxy
        self._client = NewClient(str(store), uuid=name)
        self._client.qr(self._on_qr)
        # The library offers no hook for the outcome of a pairing, which comes before any event.
        self._client._NewClient__onLoginStatus = self._on_login_status
        self._is_away = True
        # 0 would send every stanza through Python; read at connect().
        logging.getLogger("neonize.utils.log").setLevel(logging.INFO)
        self._callbacks: list[Any] = []
        self._broken_by: tuple[Any, Any] = (None, None)  # the events that ended the last two connections
        self._deaf_to: Any = None
        self._links = 0
        self._code_shown_at: float | None = None

    def listen(
        self,
        signals: SignalSink,
        on_message: Callable[[IncomingMessage], None],
        on_receipt: Callable[[Receipt], None] | None = None,
    ) -> None:
        """Tell what happens from now on; once, before the first `connect`. All of it on the library's thread.

        Args:
            signals: get what the state machine has to know.
            on_message: must return within milliseconds.
            on_receipt: must return at once. None: receipts are not heard.
        """
        self._signals = signals
        self._handlers = self._event_handlers(on_message)
        if on_receipt is not None:
            self._handlers[events.ReceiptEv] = lambda _client, event: on_receipt(receipt(event))
        for event, handler in self._handlers.items():
            self._client.event(event)(handler)
        self._library_log = LibraryLog(signals)
        self._library_log.listen()

    def connect(self) -> LinkSignal | None:
        """Dial, and stay until the link is stopped or breaks. Blocks.

        Returns:
            Why it ended, or None when it was stopped.
        """
        self._library_log.forget_refusal()
        self._code_shown_at = None
        self._is_away = True
        self._close_ears()
        broken_by = None
        try:
            self._client.connect(ProxySettings(proxy_address=self._proxy) if self._proxy else None)
        except NeonizeError as error:
            broken_by = _odd_event(str(error))
            return ended(str(error), self._library_log.refusal)
        finally:
            # Go may call these callbacks once more after it returned; the library's next connect would let
            # Python free them.
            self._callbacks.append(getattr(self._client, "_connect_refs", None))
            self._broken_by = (self._broken_by[1], broken_by)
        return None

    def _close_ears(self) -> None:
        """Do without the kind of event that ended the last two connections, until the next one ends as well.

        One that holds a word the library has no name for ends its event loop, and another may follow. The
        list of what is to be handed over is read at each connect (neonize 0.5.2).
        """
        if self._deaf_to is not None:
            self._client.event(self._deaf_to)(self._handlers[self._deaf_to])
        one, other = self._broken_by
        self._deaf_to, self._links = (one if one is other else None), 0
        if self._deaf_to is not None:
            log.warning("%s of a new kind ended two connections; the next does without", one.__name__)
            del self._client.event.list_func[events.EVENT_TO_INT[self._deaf_to]]

    def _on_link(self, signal: LinkSignal) -> None:
        """The link came up, or went: the library's own redials are deaf to what the dial before them was."""
        self._links += signal.signal is Signal.CONNECTED
        if self._deaf_to is not None and (self._links > 1 or signal.signal is Signal.DISCONNECTED):
            signal = LinkSignal(Signal.EVENTS_STOPPED, "a connection that hears everything again")
        self._signals.put(signal)

    def disconnect(self) -> None:
        """Close the socket so that nothing new comes in. May block while a dial runs."""
        self._client.disconnect()

    def stop(self) -> None:
        """End the client; `connect` returns. May block, and drops events not yet handled."""
        self._client.stop()

    def is_connected(self) -> bool:
        """Whether the socket is up. Waits for the lock a dial holds: only for a thread that may hang."""
        return bool(self._client.is_connected)

    @property
    def user_ids(self) -> frozenset[str]:
        """The user parts by which others mention the account, as of the last login; empty before the first.

        The library keeps them from each dial on, and tells in its log alone of what changes with the login
        (measured with neonize 0.5.2). Asking it would end the process where its client is gone.
        """
        account = self._client.me
        if account is None:
            return frozenset()
        return frozenset({account.JID.User, self._library_log.lid or account.LID.User} - {""})

    def send(self, jid: str, outgoing: Outgoing, secret: bytes, expiration_seconds: int = 0) -> str:
        """Send a message and wait for the server to take it.

        A Message is passed, never a str: the library would turn "@12345" in it into a mention.

        Args:
            jid: where to.
            outgoing: what.
            secret: 32 bytes planted into the message, by which its id is found after a crash.
            expiration_seconds: after what time it disappears, 0 for never.

        Returns:
            The message id.

        Raises:
            SendFailed: with what is known about it.
            ValueError: there is nothing of that kind to send.
        """
        message = Message()
        fill(message, outgoing, expiration_seconds)
        message.messageContextInfo.messageSecret = secret
        try:
            taken = self._client.send_message(_jid(jid), message)
        except NeonizeError as error:
            raise SendFailed(outcome(str(error)), str(error)) from None
        if taken.Timestamp > 0:
            process_clock.hear(taken.Timestamp, is_live=True, is_exact=True)
        return str(taken.ID)

    def upload(self, content: bytes, kind: FileKind, mimetype: str) -> UploadedFile:
        """Have a media host keep a file. May never return: only for a thread that may hang.

        Where the service names no media host the process dies inside the library (neonize 0.5.2).

        Args:
            content: the file.
            kind: as what it will be sent.
            mimetype: its type.

        Raises:
            UploadFailed: none does.
        """
        try:
            answer = self._client.upload(content, _MEDIA_TYPES[kind])
        except NeonizeError as error:
            raise UploadFailed(harmless_reason(str(error))) from None
        return taken_file(answer, content, mimetype)

    def show_typing(self, jid: str, typing: bool) -> None:
        """Show or end "typing…"; WhatsApp forgets it after some seconds."""
        shown = enum.ChatPresence
        state = shown.CHAT_PRESENCE_COMPOSING if typing else shown.CHAT_PRESENCE_PAUSED
        try:
            self._client.send_chat_presence(_jid(jid), state, enum.ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT)
        except NeonizeError as error:
            log.debug("typing: %s", error)

    def mark_read(self, jid: str, sender: str, message_ids: list[str]) -> None:
        """Give messages of one sender their blue ticks. The first call may wait for the server."""
        try:
            self._client.mark_read(
                *message_ids, chat=_jid(jid), sender=_jid(sender), receipt=enum.ReceiptType.READ
            )
        except NeonizeError as error:
            log.debug("read receipt: %s", error)

    def announce(self, available: bool) -> bool:
        """Tell WhatsApp the account's presence, which also sends its name to others.

        Returns:
            False when the library cannot: right after pairing it does not know the account's name yet.
        """
        try:
            self._client.send_presence(enum.Presence.AVAILABLE if available else enum.Presence.UNAVAILABLE)
        except NeonizeError as error:
            log.debug("presence: %s", error)
            return False
        return True

    def pair_by_phone(self, phone: str) -> str:
        """Ask for a pairing code; only while a QR is shown, and not on the library's thread.

        Both names are passed: the library maps its own device properties onto the wrong browser.

        Raises:
            LinkCodeRefused: WhatsApp does not give one.
        """
        try:
            return str(self._client.PairPhone(phone, True, enum.ClientName.LINUX, enum.ClientType.CHROME))
        except NeonizeError as error:
            text = f"WhatsApp gives no code for +{phone} ({error}): look at the number and its country code"
            raise LinkCodeRefused(text) from None

    def read_edit(self, plaintext: bytes) -> str:
        """What an opened edit says; "" when it is no message, or says nothing."""
        try:
            return edited_text(Message.FromString(plaintext))
        except DecodeError:
            return ""

    def _on_qr(self, _client: Any, code: bytes) -> None:
        self._code_shown_at = self._code_shown_at or time.monotonic()
        self._signals.put(LinkSignal(Signal.QR_SHOWN, "scan the code with the phone", detail=code.decode()))

    def _on_login_status(self, _uuid: int, status: int) -> None:
        text = ctypes.string_at(status).decode(errors="replace") if status else ""
        shown_seconds = time.monotonic() - (self._code_shown_at or time.monotonic())
        outcome_of_pairing = pairing_outcome(text, shown_seconds)
        if outcome_of_pairing is not None:
            self._signals.put(outcome_of_pairing)

    def _event_handlers(
        self, on_message: Callable[[IncomingMessage], None]
    ) -> dict[Any, Callable[..., None]]:
        """Plain functions, kept by the caller: the library holds bound methods weakly."""
        signal = self._signals.put

        def take(_client: Any, event: Any) -> None:
            message = incoming_message(event)
            process_clock.hear(event.Info.Timestamp / 1000, is_live=not self._is_away)
            on_message(dataclasses.replace(message, offline=True) if self._is_away else message)

        def take_undecryptable(_client: Any, event: Any) -> None:
            known = self._library_log.unavailable_type(event.Info.ID) if event.IsUnavailable else ""
            message = undecryptable_message(event, known)
            on_message(dataclasses.replace(message, offline=True) if self._is_away else message)

        def is_away(away: bool) -> Callable[[Any, Any], None]:
            return lambda _client, _event: setattr(self, "_is_away", away)

        def tell(kind: Signal, reason: str = "") -> Callable[[Any, Any], None]:
            return lambda _client, _event: signal(LinkSignal(kind, reason))

        return {
            events.ConnectedEv: lambda _client, _event: self._on_link(LinkSignal(Signal.CONNECTED)),
            events.DisconnectedEv: lambda _client, _event: self._on_link(
                LinkSignal(Signal.DISCONNECTED, "the connection was cut")
            ),
            events.KeepAliveTimeoutEv: tell(Signal.KEEPALIVE_LOST, "WhatsApp does not answer"),
            events.KeepAliveRestoredEv: tell(Signal.KEEPALIVE_RESTORED),
            events.StreamReplacedEv: tell(
                Signal.REPLACED,
                "another program logged in with this session; stop it before starting wabot again",
            ),
            events.ClientOutdatedEv: lambda _client, _event: signal(OUTDATED),
            events.PairStatusEv: lambda _client, event: signal(paired(event)),
            events.LoggedOutEv: lambda _client, event: signal(logged_out(event)),
            events.TemporaryBanEv: lambda _client, event: signal(banned(event)),
            events.ConnectFailureEv: lambda _client, event: signal(refused(event)),
            events.StreamErrorEv: lambda _client, event: signal(stream_ended(event.Code)),
            events.MessageEv: take,
            events.UndecryptableMessageEv: take_undecryptable,
            # What comes between these two was sent while this device was away.
            events.OfflineSyncPreviewEv: is_away(True),
            events.OfflineSyncCompletedEv: is_away(False),
        }


def _odd_event(error: str) -> Any:
    """The event whose word without a name ended the library's event loop, where wabot can do without it."""
    if "neonize.Receipt." in error:
        return events.ReceiptEv
    # How a message fails is said by whoever sends it.
    return events.UndecryptableMessageEv if "neonize.UndecryptableMessage." in error else None


def _jid(text: str) -> JID:
    """All five fields have to be set; build_jid does."""
    user, _, server = text.rpartition("@")
    return build_jid(user, server)
