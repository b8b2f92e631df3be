"""A group that customers write to and the bot reads; the bot cannot write to it."""

from __future__ import annotations

from wabot.emulator import plaintexts
from wabot.emulator.account import Account
from wabot.emulator.customer import Customer
from wabot.emulator.stanza import GROUP_SERVER, JID, Value


class Group:
    """Members who write under the group's address; made by Emulator.group()."""

    def __init__(self, account: Account, group_id: str, name: str, members: list[Customer]) -> None:
        self._account = account
        self.name = name
        self.members = members
        self.jid = JID(group_id, GROUP_SERVER)

    def send(self, customer: Customer, text: str, *, mention_bot: bool = False) -> str:
        """Let the member `customer` write `text`, which may mention the bot; returns the id."""
        if customer not in self.members:
            raise ValueError(f"{customer.name} is not a member of {self.name}")
        sender: dict[str, Value] = {
            "from": self.jid,
            "participant": customer.lid_jid,
            "participant_pn": customer.phone_jid,
            "addressing_mode": "lid",
        }
        mentions = [str(self._account.lid_jid)] if mention_bot else []
        message = plaintexts.text(text, mentions=mentions)
        return customer.post(message, text, event="group message", sender=sender)
