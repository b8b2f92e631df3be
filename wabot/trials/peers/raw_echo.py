"""The smallest bot that neonize can make: it answers every text with the same text.

The yardstick of the benchmark, and the client of the emulator's own tests. Runs in a process of its own:

    python raw_echo.py SESSION.sqlite [--polite] [--listen]

Writes one JSON object a line to stdout: {"event": "qr", "code": "..."}, {"event": "connected"} and so on;
what neonize itself prints goes to stderr. Ends when stdin is closed. --polite: marks as read, shows typing
and sends its presence, as a bot with manners does. --listen: reports messages instead of answering them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import os
import sys
import threading
import time

_out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
logging.basicConfig(level=logging.WARNING)

from neonize.client import NewClient  # noqa: E402
from neonize.events import (  # noqa: E402
    ClientOutdatedEv,
    ConnectedEv,
    ConnectFailureEv,
    DisconnectedEv,
    LoggedOutEv,
    MessageEv,
    OfflineSyncCompletedEv,
    PairStatusEv,
    ReceiptEv,
    StreamErrorEv,
    StreamReplacedEv,
    TemporaryBanEv,
    UndecryptableMessageEv,
)
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message  # noqa: E402
from neonize.utils.enum import (  # noqa: E402
    ChatPresence,
    ChatPresenceMedia,
    ClientName,
    ClientType,
    Presence,
    ReceiptType,
)

_STATES = {
    "disconnected": DisconnectedEv,
    "logged_out": LoggedOutEv,
    "replaced": StreamReplacedEv,
    "stream_error": StreamErrorEv,
    "banned": TemporaryBanEv,
    "connect_failure": ConnectFailureEv,
    "outdated": ClientOutdatedEv,
    "backlog_done": OfflineSyncCompletedEv,
    "paired": PairStatusEv,
}


def tell(event: str, **details: object) -> None:
    """Write one line of the report."""
    _out.write(json.dumps({"event": event, **details}) + "\n")


def text_of(message: Message) -> str:
    """The text or caption of a message."""
    return str(message.conversation or message.extendedTextMessage.text or message.imageMessage.caption)


def make_client(arguments: argparse.Namespace) -> NewClient:
    """The client with its handlers."""
    client = NewClient(arguments.session, uuid="raw-echo")
    client.qr(lambda client, code: show_code(client, code, arguments.phone))

    def on_status(_: object, text: int) -> None:
        tell("login_status", status=ctypes.string_at(text).decode())

    client._NewClient__onLoginStatus = on_status  # the one way to hear of a failed pairing

    @client.event(ConnectedEv)
    def on_connected(client: NewClient, _: ConnectedEv) -> None:
        tell("connected", pid=os.getpid())
        if arguments.polite:
            threading.Timer(1.0, send_presence, [client]).start()

    @client.event(MessageEv)
    def on_message(client: NewClient, event: MessageEv) -> None:
        source = event.Info.MessageSource
        text = text_of(event.Message)
        if arguments.listen:
            tell("message", **describe(event))
        elif text and not source.IsFromMe and (arguments.groups or not source.IsGroup):
            answer(client, event, text, arguments.polite)

    @client.event(UndecryptableMessageEv)
    def on_undecryptable(_: NewClient, event: UndecryptableMessageEv) -> None:
        info = event.Info
        tell("undecryptable", id=info.ID, type=info.Type, unavailable=event.IsUnavailable, detail=str(event))

    for name, event_type in _STATES.items():
        client.event(event_type)(lambda _, event, name=name: tell(name, detail=str(event)))
    if arguments.receipts:
        client.event(ReceiptEv)(lambda _, event: tell("receipt", ids=list(event.MessageIDs), type=event.Type))
    return client


def show_code(client: NewClient, code: bytes, phone: str | None) -> None:
    """Report the QR code, or ask for one to type into the phone."""
    if phone is None:
        tell("qr", code=code.decode())
        return

    def ask() -> None:
        try:
            typed = client.PairPhone(phone, True, ClientName.LINUX, ClientType.CHROME)
            tell("code", code=typed)
        except Exception as error:  # noqa: BLE001  (whatever neonize raises is the report)
            tell("no_code", error=str(error))

    threading.Thread(target=ask).start()  # it waits for an answer that this thread would have to read


def answer(client: NewClient, event: MessageEv, text: str, polite: bool) -> None:
    """Send `text` back to where it came from."""
    source = event.Info.MessageSource
    if polite:
        state = ChatPresence.CHAT_PRESENCE_COMPOSING
        client.send_chat_presence(source.Chat, state, ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT)
    client.send_message(source.Chat, Message(conversation=text))
    if polite:
        client.mark_read(event.Info.ID, chat=source.Chat, sender=source.Sender, receipt=ReceiptType.READ)


def describe(event: MessageEv) -> dict[str, object]:
    """What a message event says."""
    source = event.Info.MessageSource
    return {
        "id": event.Info.ID,
        "text": text_of(event.Message),
        "from_me": source.IsFromMe,
        "group": source.IsGroup,
        "chat": f"{source.Chat.User}@{source.Chat.Server}",
        "sender": source.Sender.User,
        "sender_alt": source.SenderAlt.User,
        "name": event.Info.Pushname,
        "type": event.Info.Type,
        "edit": event.Info.Edit,
        "fields": [field.name for field, _ in event.Message.ListFields()],
        "timestamp_ms": event.Info.Timestamp,
        "expiration_seconds": event.Message.extendedTextMessage.contextInfo.expiration,
    }


def send_presence(client: NewClient) -> None:
    """Show the bot as away: its owner's phone goes on ringing."""
    client.send_presence(Presence.UNAVAILABLE)


def connect(client: NewClient) -> None:
    """Stay connected; the library redials by itself. Reports why it gave up."""
    try:
        client.connect()
        tell("returned")
    except Exception as error:  # noqa: BLE001  (whatever neonize raises is the report)
        tell("raised", error=str(error))


def main() -> None:
    """Run until stdin is closed."""
    parser = argparse.ArgumentParser(description="Answers every WhatsApp text with the same text.")
    parser.add_argument("session", help="path of the SQLite session store")
    parser.add_argument("--polite", action="store_true", help="mark as read, show typing, send presence")
    parser.add_argument("--groups", action="store_true", help="answer in groups as well")
    parser.add_argument("--listen", action="store_true", help="report messages instead of answering them")
    parser.add_argument("--phone", metavar="NUMBER", help="be linked by a code typed into this phone")
    parser.add_argument("--receipts", action="store_true", help="report receipts")
    arguments = parser.parse_args()
    logging.getLogger("neonize.utils.log").setLevel(logging.WARNING)
    client = make_client(arguments)
    threading.Thread(target=connect, args=[client], daemon=True).start()
    sys.stdin.read()
    client.disconnect()
    time.sleep(0.2)
    os._exit(0)


if __name__ == "__main__":
    main()
