"""Whom somebody means who names a chat: by phone number or by JID. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wabot.config.phone_numbers import read_number, spellings
from wabot.errors import UsageError

PHONE_SERVER, LID_SERVER, GROUP_SERVER = "s.whatsapp.net", "lid", "g.us"
# The second is what other programs call it.
_PHONE_SERVERS = (PHONE_SERVER, "c.us")
PERSON_SERVERS = (*_PHONE_SERVERS, LID_SERVER)
# WhatsApp's hidden ids have at most 15 digits, as phone numbers have.
_DIGITS = re.compile(r"[0-9]{5,20}")


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """Who is meant; one of the three is known, the others are "".

    Attributes:
        phone: digits of a phone number.
        lid: digits of a hidden id.
        group: JID of a group.
    """

    phone: str = ""
    lid: str = ""
    group: str = ""

    @property
    def jid(self) -> str:
        """The address WhatsApp would use for it."""
        return self.group or (f"{self.phone}@{PHONE_SERVER}" if self.phone else f"{self.lid}@{LID_SERVER}")

    @property
    def phones(self) -> frozenset[str]:
        """The digits of the phone number, in each of its spellings."""
        return spellings(self.phone) if self.phone else frozenset()

    @property
    def jids(self) -> frozenset[str]:
        """Every address WhatsApp may use for it."""
        return frozenset(f"{phone}@{PHONE_SERVER}" for phone in self.phones) or frozenset({self.jid})


def parse_address(text: str) -> ChatAddress:
    """Read a phone number with its country's code, in any spelling, or a JID.

    Raises:
        UsageError: it is neither.
    """
    user, at, server = text.strip().partition("@")
    user = user.partition(":")[0]
    if at and re.fullmatch(r"[0-9]+\.[0-9]{1,3}", user):
        # A device of theirs, as the client library writes it.
        user = user.partition(".")[0]
    if at and server == GROUP_SERVER and re.fullmatch(r"[0-9-]{5,40}", user):
        return ChatAddress(group=f"{user}@{GROUP_SERVER}")
    if at and server == LID_SERVER and _DIGITS.fullmatch(user):
        return ChatAddress(lid=user)
    number = read_number(user) if not at or server in _PHONE_SERVERS else ""
    if number:
        return ChatAddress(phone=number)
    raise UsageError(
        f"{text!r} names no chat; write a phone number with its country's code, such as +34600111222, "
        f"or a JID such as 299000111222@{LID_SERVER}"
    )
