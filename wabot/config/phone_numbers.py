"""Phone numbers and chats as people write them, and the several spellings that one number may have. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from wabot.errors import UsageError

# In "+44 (0)7911 …" the zero is for who calls from within the country.
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
_PUNCTUATION = re.compile(r"[\s().,/·•‧∙_\-‐‑‒–—―−]+")
_DIGITS = re.compile(r"[1-9][0-9]{4,19}")
# What is dialled within a country and stands in many an address book behind its code all the same: a zero
# where no number of that country begins with one (Italy's do); 01, 044 and 045 in Mexico; and 15 behind the
# area's code in Argentina.
_TRUNK_COUNTRIES = (
    r"(?:2[07]|3[123]|4[013469]|5[1458]|6[012346]|8[124]|9[0123458]|21[236]|23[34]|25[456]|35[389]|38[01579]"
    r"|421|59[1358]|96[12346]|97[12]|99[458])"
)
_DIALLED_WITHIN = (
    (re.compile(rf"({_TRUNK_COUNTRIES})0([1-9][0-9]{{5,11}})"), r"\1\2"),
    (re.compile(r"(52)(?:01|04[45])([2-9][0-9]{9})"), r"\1\2"),
    (re.compile(r"(549?)(?=[0-9]{12}\Z)(11|[23][0-9]{2,3}?)15([0-9]{6,8})"), r"\1\2\3"),
)
_SAME_END = 7
# A digit that stands in some spellings and not in others, with what is before and behind it.
# Brazil writes a 9 before the eight digits of a mobile number, which begin with 6 to 9, and WhatsApp keeps
# the older form of many (wwebjs/whatsapp-web.js#596). Mexico and Argentina have, or had, a digit for mobile
# ones behind the country's code (chatwoot/chatwoot#14048); no area's code there begins with it.
_OPTIONAL_DIGITS = (
    (re.compile(r"(55[1-9][1-9])(9?)([6-9][0-9]{7})"), "9"),
    (re.compile(r"(52)(1?)([2-9][0-9]{9})"), "1"),
    (re.compile(r"(54)(9?)([1-8][0-9]{9})"), "9"),
)


def without_punctuation(text: str) -> str:
    """A number, or a part of one, as its digits; what is neither punctuation nor a prefix stays as it is."""
    plain = _plain(text)
    return plain.removeprefix("+") if plain.startswith("+") else plain.removeprefix("00")


def is_international(text: str) -> bool:
    """Whether a number says by its beginning that the country's code is there."""
    return _plain(text).startswith(("+", "00"))


def read_number(text: str) -> str:
    """The digits of a number with its country's code: with or without "+" or "00", and any punctuation.

    Returns:
        "" when it is none. No country's code begins with 0.
    """
    digits = without_punctuation(text)
    for form, without in _DIALLED_WITHIN:
        if found := form.fullmatch(digits):
            digits = found.expand(without)
    return digits if _DIGITS.fullmatch(digits) else ""


def spellings(digits: str) -> frozenset[str]:
    """Every form of one and the same number, this one among them.

    Args:
        digits: of a phone number, with its country's code.
    """
    for form, digit in _OPTIONAL_DIGITS:
        if found := form.fullmatch(digits):
            return frozenset({found[1] + found[3], found[1] + digit + found[3]})
    return frozenset({digits})


def is_near(digits: str, other: str) -> bool:
    """Whether somebody may have meant `other` who wrote `digits`.

    One digit is wrong, missing or too many, or two are swapped; or the end is the same and the country's or
    the area's code is not.
    """
    if digits == other:
        return False
    shared = min(len(digits), len(other))
    if shared >= _SAME_END and digits[-_SAME_END:] == other[-_SAME_END:]:
        return True
    start = next((at for at in range(shared) if digits[at] != other[at]), shared)
    rest, other_rest = digits[start:], other[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[1::-1] == other_rest[:2] and rest[2:] == other_rest[2:])
    )


def _plain(text: str) -> str:
    """A number without punctuation, and without signs that nobody sees and that come from an address book."""
    shown = "".join(
        each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf"
    )
    return _PUNCTUATION.sub("", _TRUNK_ZERO.sub("", shown))


PHONE_SERVER, LID_SERVER, GROUP_SERVER = "s.whatsapp.net", "lid", "g.us"
# The second is what other programs call it.
_PHONE_SERVERS = (PHONE_SERVER, "c.us")
PERSON_SERVERS = (*_PHONE_SERVERS, LID_SERVER)
# WhatsApp's hidden ids have at most 15 digits, as phone numbers have.
_HIDDEN_ID = re.compile(r"[0-9]{5,20}")


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
    if at and server == LID_SERVER and _HIDDEN_ID.fullmatch(user):
        return ChatAddress(lid=user)
    number = read_number(user) if not at or server in _PHONE_SERVERS else ""
    if number:
        return ChatAddress(phone=number)
    raise UsageError(
        f"{text!r} names no chat; write a phone number with its country's code, such as +34600111222, "
        f"or a JID such as 299000111222@{LID_SERVER}"
    )
