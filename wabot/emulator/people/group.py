"""A group: its members write to it with sender keys of their own, and read what the bot writes to it."""

from __future__ import annotations

import time

from wabot.emulator.people.customer import Customer
from wabot.emulator.people.reader import Reply, UnreadableReply
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.sender_keys import SenderKey
from wabot.emulator.wire.stanza import GROUP_SERVER, JID, Node, Value
from wabot.emulator.world.service import Service


class Group:
    """Members who write under the group's address, the account among them; made by Emulator.group()."""

    def __init__(self, service: Service, group_id: str, name: str, members: list[Customer]) -> None:
        self._service = service
        self._keys: dict[str, SenderKey] = {}
        self._informed: set[str] = set()  # members whose key the bot was handed
        self._created_at = int(time.time())
        self.name = name
        self.members = members
        self.jid = JID(group_id, GROUP_SERVER)

    # What the members write.

    def send(
        self,
        customer: Customer,
        text: str,
        *,
        mention_bot: bool = False,
        reply_to: str | None = None,
        spoil: int = 0,
    ) -> str:
        """Let the member `customer` write `text`; returns the id.

        It may mention the bot, and be an answer (by a swipe) to the bot's message `reply_to`. The first
        `spoil` times it is delivered the bot cannot read it.
        """
        account = self._service.account
        mentions = [str(account.lid_jid)] if mention_bot else []
        quote = plaintexts.Quote(reply_to, str(account.lid_jid), "") if reply_to else None
        return self.post(customer, plaintexts.text(text, mentions=mentions, quote=quote), text, spoil=spoil)

    def post(self, customer: Customer, message: bytes, detail: str, *, spoil: int = 0) -> str:
        """Let the member `customer` send the waE2E.Message `message`; returns its id."""
        if customer not in self.members:
            raise ValueError(f"{customer.name} is not a member of {self.name}")
        sender: dict[str, Value] = {
            "from": self.jid,
            "participant": customer.lid_jid,
            "participant_pn": customer.phone_jid,
            "addressing_mode": "lid",
        }
        with self._service.lock:
            key = self._keys.setdefault(customer.phone, SenderKey())
            hand_over = None if customer.phone in self._informed else key.distribution(str(self.jid))
            message_id = customer.post(
                message,
                detail,
                event="group message",
                sender=sender,
                spoil=spoil,
                sender_key=key,
                hand_over=hand_over,
            )
            self._informed.add(customer.phone)
        return message_id

    def renew_key(self, customer: Customer) -> None:
        """Let `customer` write with a new key from now on, as after somebody has left the group."""
        with self._service.lock:
            self._keys.pop(customer.phone, None)
            self._informed.discard(customer.phone)

    # What they read.

    def replies(self, customer: Customer) -> list[Reply]:
        """What the member `customer` could read of the bot's messages to the group, each message once."""
        return customer.group_replies(self.jid)

    def unreadable(self, customer: Customer) -> list[UnreadableReply]:
        """What the member could not decrypt; messages of all chats."""
        return customer.unreadable

    def wait_for_replies(self, count: int, timeout_seconds: float = 20.0) -> list[Reply]:
        """What the first member read once each of them has read `count` messages; raises TimeoutError."""
        with self._service.lock:
            if self._service.lock.wait_for(
                lambda: all(len(self.replies(member)) >= count for member in self.members), timeout_seconds
            ):
                return self.replies(self.members[0])
            seen = {
                member.name: [reply.text[:60] for reply in self.replies(member)] for member in self.members
            }
            raise TimeoutError(f"{self.name} waited {timeout_seconds:g} s for {count} replies and saw {seen}")

    # What the service knows of it.

    @property
    def metadata(self) -> Node:
        """The <group> that describes it."""
        account = self._service.account
        attributes: dict[str, Value] = {
            "id": self.jid.user,
            "subject": self.name,
            "creation": str(self._created_at),
            "creator": self.members[0].lid_jid if self.members else account.lid_jid,
            "s_t": str(self._created_at),
            "size": str(len(self.members) + 1),
            "addressing_mode": "lid",
        }
        people: list[tuple[JID, JID]] = [(member.lid_jid, member.phone_jid) for member in self.members]
        people.append((account.lid_jid, account.phone_jid))
        participants = [Node("participant", {"jid": lid, "phone_number": phone}) for lid, phone in people]
        return Node("group", attributes, participants)

    def members_but_bot(self) -> list[JID]:
        """The phones of its members, the owner's among them."""
        return [*(member.lid_jid for member in self.members), self._service.account.lid_jid]
