"""A group that customers write to and the bot reads; the bot cannot write to it."""

from __future__ import annotations

from wabot.emulator import plaintexts
from wabot.emulator.binary_xml import GROUP_SERVER, JID, Value
from wabot.emulator.customer import Customer


class Group:
    """Members who write under the group's address; made by Emulator.group()."""

    def __init__(self, group_id: str, name: str, members: list[Customer]) -> None:
        self.name = name
        self.members = members
        self.jid = JID(group_id, GROUP_SERVER)

    def send(self, customer: Customer, text: str) -> str:
        """Let the member `customer` write `text`; returns the message id."""
        if customer not in self.members:
            raise ValueError(f"{customer.name} is not a member of {self.name}")
        sender: dict[str, Value] = {
            "from": self.jid,
            "participant": customer.lid_jid,
            "participant_pn": customer.phone_jid,
            "addressing_mode": "lid",
        }
        return customer.post(plaintexts.text(text), text, event="group message", sender=sender)
