"""Messages as they arrive, for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from wabot.whatsapp.messages import IncomingMessage, MessageKind

NOON = datetime(2026, 11, 22, 12, 0)
ANA = "34600111222@s.whatsapp.net"
ANA_LID = "299000111222@lid"
GROUP = "120363041234567890@g.us"

_numbers = count(1)


def later(seconds: float) -> datetime:
    """A time after noon."""
    return NOON + timedelta(seconds=seconds)


def arrival(text: str = "hello", **changes: Any) -> IncomingMessage:
    """A text of Ana's, whose phone number is shown, with anything about it changed."""
    fields: dict[str, Any] = {
        "chat": ANA,
        "message_id": f"3EB0{next(_numbers):08X}",
        "sender": changes.get("chat", ANA),
        "phone": "34600111222",
        "lid": "",
        "from_me": False,
        "kind": MessageKind.TEXT,
        "text": text,
        "sent_at": NOON,
        "name": "Ana",
    }
    return IncomingMessage(**{**fields, **changes})
