"""Takes phone numbers, chat addresses and secrets out of what is written for people to read."""

from __future__ import annotations

import re
from urllib.parse import quote

_SHORTEST_SECRET = 4

# A phone number has at most 15 digits (E.164), 17 with the prefix "00"; fewer than 9 are mostly something
# else. One that begins with 1 has 11 digits (North America). Until 2033 a Unix time begins with 1 too, with
# 10 digits in seconds, 13 in milliseconds. WhatsApp's own numbers (LID) have 14 or 15.
_BARE_NUMBER = r"(?<![0-9A-Za-z])(?:1\d{10}|(?!1)\d{9,17}|1\d{13,14})(?![0-9A-Za-z])"
_PRIVATE = re.compile(
    rf"""
    (?P<uuid> \b[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}\b )
    | (?P<user> \d{{5,20}} (?: - \d{{5,12}} )? ) (?: [._]\d{{1,3}} )? (?: :\d{{1,3}} )?
      @(?P<server> (?:s\.whatsapp\.net|c\.us|lid|g\.us|hosted(?:\.lid)?|newsletter|broadcast|msgr|bot) \b )
    | (?P<phone> (?<![0-9A-Za-z]) \+ \d (?: [ ().-]{{0,2}} \d ){{5,16}} )
    | (?P<bare> {_BARE_NUMBER} )
    """,
    re.VERBOSE,
)
# Each of these has five digits in a row, or a plus before one. Most lines have neither, and cost a tenth so.
_MAY_BE_PRIVATE = re.compile(r"\d{5}|\+\d")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/]+@")

_secrets: set[str] = set()


def redact(secret: str) -> None:
    """Never write `secret` from now on, at no log level; one shorter than 4 characters is left alone."""
    global _redacted
    if len(secret) < _SHORTEST_SECRET:
        return
    # As it stands, and as it stands in a URL. The longest first: one secret may begin with another.
    _secrets.update((secret, quote(secret), quote(secret, safe="")))
    _redacted = re.compile("|".join(re.escape(each) for each in sorted(_secrets, key=len, reverse=True)))


_redacted: re.Pattern[str] | None = None


def mask_phone(number: str) -> str:
    """A phone number or JID with only its first and last two digits: +34…22."""
    digits = "".join(filter(str.isdigit, re.split("[@:]", number, maxsplit=1)[0])).removeprefix("00")
    return f"+{digits[:2]}…{digits[-2:]}" if len(digits) > 6 else "+…"


def mask_numbers(text: str) -> str:
    """`text` with every phone number and WhatsApp address in it shortened; times and other ids stay."""
    return _PRIVATE.sub(_shortened, text) if _MAY_BE_PRIVATE.search(text) else text


def mask_secrets(text: str) -> str:
    """`text` without the registered secrets and without the passwords of the URLs in it."""
    if _redacted is not None:
        text = _redacted.sub("***", text)
    return _URL_PASSWORD.sub(r"\1:***@", text)


def _shortened(found: re.Match[str]) -> str:
    if found["uuid"]:
        return found["uuid"]
    if not found["user"]:
        return mask_phone(found["phone"] or found["bare"])
    masked = mask_phone(found["user"])
    # What stands before @lid, @g.us and the like is WhatsApp's own number and not one to call.
    return f"{masked if found['server'] in ('s.whatsapp.net', 'c.us') else masked[1:]}@{found['server']}"
