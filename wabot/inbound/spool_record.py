"""A message as a line of text with a checksum, and back."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from wabot.whatsapp.messages import IncomingMessage, Kind

_CHECKSUM_BYTES = 8
_FIELDS = frozenset(field.name for field in fields(IncomingMessage))


class Damaged(ValueError):
    """A line that is not what was written."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A message and when it came.

    Attributes:
        message: as WhatsApp handed it over.
        received_at: naive UTC.
    """

    message: IncomingMessage
    received_at: datetime


def encode(spooled: Spooled) -> bytes:
    """One line, in ASCII, with its end: no text of a customer's can begin another."""
    kept = asdict(spooled.message)
    kept["sent_at"] = spooled.message.sent_at.isoformat()
    body = json.dumps({"at": spooled.received_at.isoformat(), **kept}, separators=(",", ":")).encode("ascii")
    return b"%s %s\n" % (_checksum(body), body)


def decode(line: bytes) -> Spooled:
    """The message of a line, with or without its end.

    Raises:
        Damaged: it is not what `encode` made.
    """
    checksum, body = line[:_CHECKSUM_BYTES], line[_CHECKSUM_BYTES + 1 :].rstrip(b"\n")
    if checksum != _checksum(body):
        raise Damaged("the checksum does not fit")
    try:
        kept = json.loads(body)
        received_at = datetime.fromisoformat(kept["at"])
        # A later version may know more of a message than this one.
        known = {name: kept[name] for name in _FIELDS & kept.keys()}
        known["kind"] = Kind(known["kind"])
        known["sent_at"] = datetime.fromisoformat(known["sent_at"])
        known["mentions"] = tuple(known.get("mentions", ()))
        return Spooled(IncomingMessage(**known), received_at)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damaged(f"this version cannot read it ({error})") from None


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)
