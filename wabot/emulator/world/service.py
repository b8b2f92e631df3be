"""The state of the service that its parts share: account, people, mailbox, and the link of the bot."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from typing import Protocol

from wabot.emulator.signal.party import Bundle
from wabot.emulator.wire.link import Link
from wabot.emulator.wire.stanza import JID, SERVER, Node, Value
from wabot.emulator.world.account import Account, Device, Mailbox
from wabot.emulator.world.faults import Faults
from wabot.emulator.world.media import Media
from wabot.emulator.world.timers import Timers
from wabot.emulator.world.transcript import Event, Transcript

FEW_PREKEYS = 5
"""With fewer one-time prekeys left the service tells the device, which uploads 50 more.

whatsmeow does nothing before there are fewer than 5 (prekeys.go, MinPreKeyCount).
"""


class NotLinked(RuntimeError):
    """Nobody can be written to: no device is linked to the account."""


class Correspondent(Protocol):
    """Somebody the bot exchanges messages with: a customer, or the owner's phone."""

    phone: str
    lid: str

    def bundle(self) -> Bundle:
        """The keys to begin a Signal session with them."""

    def receive(self, stanza: Node, enc: Node) -> list[Node]:
        """Take in `enc`, which the bot's message `stanza` carries for them; returns their receipts."""

    def receive_in_group(self, stanza: Node, enc: Node, hand_over: Node | None) -> list[Node]:
        """The same for a message to a group; `hand_over` carries the bot's sender key, if it does."""

    def see_receipt(self, receipt: Node) -> None:
        """The bot confirms, reads or asks again for a message of theirs."""

    def see_typing(self, state: str) -> None:
        """The bot shows that it is "composing" or "paused"."""


class Gathering(Protocol):
    """A group that the account is a member of."""

    jid: JID

    @property
    def metadata(self) -> Node:
        """The <group> that describes it."""

    def members_but_bot(self) -> list[JID]:
        """The phones of its members, the owner's among them."""


class Service:
    """Everything behind the links. `lock` guards all of it and wakes who waits for a change."""

    def __init__(self, seed: int, faults: Faults, timers: Timers, offline_after: str) -> None:
        self.numbers = random.Random(seed)
        self.lock = threading.Condition(threading.RLock())
        self.account = Account.make(self.numbers)
        self.faults = faults
        self.timers = timers
        self.offline_after = offline_after
        self.media = Media()
        self.mailbox = Mailbox()
        self.transcript = Transcript()
        self.link: Link | None = None  # of the logged-in bot
        self.active = False  # whether the bot takes messages: it has said so on this link
        self.dials = 0
        self.logins = 0
        self.presence = ""
        self.taken: set[str] = set()  # ids of the bot's messages that were passed on
        self.listeners: list[Callable[[Event], None]] = []
        self.groups: dict[str, Gathering] = {}  # by the user part of their addresses
        self._people: dict[str, Correspondent] = {}

    def note(self, kind: str, who: str = "", detail: str = "") -> None:
        """Put an event into the transcript and wake who waits for one."""
        event = self.transcript.add(kind, who, detail)
        for listener in self.listeners:
            listener(event)
        with self.lock:
            self.lock.notify_all()

    def add_person(self, person: Correspondent) -> None:
        """Make `person` reachable by phone number and LID."""
        self._people[person.phone] = self._people[person.lid] = person

    def person(self, jid: JID) -> Correspondent | None:
        """Who `jid` belongs to, or None."""
        return self._people.get(jid.user)

    def linked_device(self) -> Device:
        """The bot's device; raises NotLinked when there is none."""
        if self.account.device is None:
            raise NotLinked("no bot is linked to the account: scan its code first")
        return self.account.device

    def take_bundle(self) -> Bundle:
        """The keys to write to the bot with; asks the bot for more prekeys when few are left."""
        device = self.linked_device()
        bundle = device.bundle()
        if len(device.prekeys) in (FEW_PREKEYS - 1, 0):
            attributes: dict[str, Value] = {
                "type": "encrypt",
                "from": SERVER,
                "id": new_stanza_id(),
                "t": now_text(),
            }
            count = Node("count", {"value": str(len(device.prekeys))})
            self.tell(Node("notification", attributes, [count]))
        return bundle

    def post(self, message_id: str, stanza: Node) -> None:
        """Send `stanza` to the bot now if it is there, and again at its next logins until it confirms it."""
        with self.lock:
            self.mailbox.put(message_id, stanza)
            self.tell(stanza)

    def post_receipt(self, receipt: Node) -> None:
        """Send a person's `receipt` to the bot as `post` does a message: the service keeps those, too."""
        self.post(receipt_key(receipt), receipt)

    def tell(self, stanza: Node) -> None:
        """Send `stanza` to the bot if it is there."""
        with self.lock:
            if self.link is not None and self.active:
                self.link.send(stanza)

    def leave(self, link: Link) -> bool:
        """Send nothing more over `link`; False when it was not the bot's present one."""
        with self.lock:
            if self.link is not link:
                return False
            self.link, self.active = None, False
            self.lock.notify_all()
            return True

    def deliver_backlog(self, link: Link) -> None:
        """Send what waits over `link`, and from now on what comes, if it is still the bot's link."""
        with self.lock:
            if self.link is not link:
                return
            waiting = list(self.mailbox)
            if waiting:
                receipts = sum(stanza.tag == "receipt" for stanza in waiting)
                counts = {
                    "count": str(len(waiting)),
                    "message": str(len(waiting) - receipts),
                    "receipt": str(receipts),
                }
                zeros = {"appdata": "0", "notification": "0"}
                link.send(Node("ib", {"from": SERVER}, [Node("offline_preview", counts | zeros)]))
            for number, stanza in enumerate(waiting):
                attributes = {**stanza.attributes, "offline": str(number)}
                link.send(Node(stanza.tag, attributes, stanza.content))
            link.send(Node("ib", {"from": SERVER}, [Node("offline", {"count": str(len(waiting))})]))
            self.active = True
            if waiting:
                self.note("backlog", "bot", str(len(waiting)))

    def unlink(self) -> None:
        """Forget the linked device, and what waited for it: nobody could read it any more."""
        with self.lock:
            self.account.device = None
            self.mailbox = Mailbox()


def receipt_key(receipt: Node) -> str:
    """What a receipt, and the acknowledgement of it, is known by in the mailbox."""
    return f"receipt {receipt.text('type')} {receipt.text('id')}"


def now_text() -> str:
    """The time in Unix seconds, as stanzas carry it."""
    return str(int(time.time()))


def new_stanza_id() -> str:
    """An id for a stanza of the service itself."""
    return secrets.token_hex(8)


def new_message_id() -> str:
    """An id like those the official apps give their messages."""
    return "3A" + secrets.token_hex(9).upper()
