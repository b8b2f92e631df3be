"""Whom somebody means who names a chat on the command line: by phone number or by JID. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wabot.errors import UsageError
from wabot.messages import GROUP_SERVER, LID_SERVER, PHONE_SERVER

_PUNCTUATION = re.compile(r"[\s().-]+")
# E.164: at most 15 digits; WhatsApp's hidden ids have as many.
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


def parse_address(text: str) -> ChatAddress:
    """Read a phone number, with or without "+", or a JID.

    Raises:
        UsageError: it is neither.
    """
    user, at, server = text.strip().partition("@")
    user = user.partition(":")[0]
    if at and server == GROUP_SERVER and re.fullmatch(r"[0-9-]{5,40}", user):
        return ChatAddress(group=f"{user}@{GROUP_SERVER}")
    if at and server == LID_SERVER and _DIGITS.fullmatch(user):
        return ChatAddress(lid=user)
    digits = user if at else _PUNCTUATION.sub("", user).removeprefix("+").removeprefix("00")
    if (not at or server == PHONE_SERVER) and _DIGITS.fullmatch(digits):
        return ChatAddress(phone=digits)
    raise UsageError(
        f"{text!r} names no chat; write a phone number such as +34600111222, "
        f"or a JID such as 299000111222@{LID_SERVER}"
    )
