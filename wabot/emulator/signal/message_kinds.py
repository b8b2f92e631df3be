"""Messages that are neither a text nor a file: what shops, apps and other phones may send.

Field numbers are those of waE2E.proto as neonize 0.5.2 carries it. `text` stands where a person would read
it; a kind that has no room for one ignores it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping

from wabot.emulator.signal.file_messages import file_message, lost
from wabot.emulator.signal.places import Place, live_location, location
from wabot.emulator.wire import protobuf

_Field = tuple[int, int | bytes | str]
_CURRENCY = "EUR"
_CONTEXT, _SECRET = 35, 3
_SHOP = "15550000000@s.whatsapp.net"
_GROUP = "120363000000000001@g.us"


def _conversation(text: str) -> bytes:
    return protobuf.encode([(1, text)])


def _message(number: int, *fields: _Field) -> bytes:
    """A waE2E.Message with one message of these fields in field `number`."""
    return protobuf.encode([(number, protobuf.encode(fields))])


def _envelope(number: int, inside: bytes) -> bytes:
    """A message around another one (FutureProofMessage)."""
    return _message(number, (1, inside))


def _key() -> bytes:
    """The key of a message of the bot that exists nowhere."""
    return protobuf.encode([(1, _SHOP), (2, 1), (3, "3EB0000000000000000000")])


def _poll(text: str) -> bytes:
    options: list[_Field] = [(3, protobuf.encode([(1, option)])) for option in ("yes", "no")]
    return protobuf.encode([(1, secrets.token_bytes(32)), (2, text), *options, (4, 1)])


def _order(text: str) -> bytes:
    return _message(
        38,
        (1, "1234567890"),
        (3, 2),
        (4, 1),
        (5, 1),
        (6, text),
        (7, "Order from the catalogue"),
        (8, _SHOP),
        (9, "token"),
        (10, 24_900),
        (11, _CURRENCY),
    )


def _product(text: str) -> bytes:
    snapshot = protobuf.encode([(2, "77"), (3, text), (4, "as on the picture"), (5, _CURRENCY), (6, 12_450)])
    return _message(30, (1, snapshot), (2, _SHOP))


def _payment_request(text: str) -> bytes:
    return _message(22, (4, _conversation(text)), (1, _CURRENCY), (2, 24_900), (3, _SHOP))


def _payment(text: str) -> bytes:
    return _message(16, (2, _conversation(text)), (3, _key()))


def _list_reply(text: str) -> bytes:
    return _message(39, (1, text), (2, 1), (3, protobuf.encode([(1, "row-1")])), (5, "the first row"))


def _interactive_reply(text: str) -> bytes:
    flow = protobuf.encode([(1, "quick_reply"), (2, '{"id":"row-1"}'), (3, 1)])
    return _message(48, (1, protobuf.encode([(1, text)])), (2, flow))


def _poll_vote(text: str) -> bytes:
    vote = protobuf.encode([(1, secrets.token_bytes(48)), (2, secrets.token_bytes(12))])
    return _message(50, (1, _key()), (2, vote), (4, int(time.time() * 1000)))


def _event(text: str) -> bytes:
    return _message(75, (3, text), (4, "bring your own chair"), (7, int(time.time()) + 86_400))


def _vcard(name: str) -> str:
    return f"BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nTEL;waid=34600999999:+34 600 999 999\nEND:VCARD"


def _contact(text: str) -> bytes:
    return _message(4, (1, text), (16, _vcard(text)))


def _contacts(text: str) -> bytes:
    cards = [protobuf.encode([(1, name), (16, _vcard(name))]) for name in (text, "Somebody")]
    return _message(13, (1, text), *((2, card) for card in cards))


def _sealed(number: int) -> Callable[[str], bytes]:
    fields: list[_Field] = [(1, _key()), (2, secrets.token_bytes(48)), (3, secrets.token_bytes(12))]
    return lambda text: _message(number, *fields)


_BUILDERS: Mapping[str, Callable[[str], bytes]] = {
    "order": _order,
    "product": _product,
    "payment_request": _payment_request,
    "payment": _payment,
    "payment_invite": lambda text: _message(44, (1, 3)),
    "buttons_reply": lambda text: _message(43, (1, "button-1"), (2, text), (4, 1)),
    "list_reply": _list_reply,
    "template_reply": lambda text: _message(29, (1, "button-1"), (2, text), (4, 0)),
    "interactive_reply": _interactive_reply,
    "poll": lambda text: protobuf.encode([(64, _poll(text))]),
    "poll_v1": lambda text: protobuf.encode([(49, _poll(text))]),
    "poll_v2": lambda text: protobuf.encode([(60, _poll(text))]),
    "poll_v5": lambda text: protobuf.encode([(111, _poll(text))]),
    "poll_vote": _poll_vote,
    "group_invite": lambda text: _message(28, (1, _GROUP), (2, "abcDEF"), (4, "Neighbours"), (6, text)),
    "event": _event,
    "event_reply": _sealed(76),
    "location": lambda text: location(Place(40.4, -3.7, text, "Main street 1")),
    "live_location": lambda text: live_location(Place(40.4, -3.7, text)),
    "contact": _contact,
    "contacts": _contacts,
    "spoiler": lambda text: _envelope(118, _conversation(text)),
    "comment": lambda text: _message(77, (1, _conversation(text)), (2, _key())),
    "sealed_comment": _sealed(71),
    "view_once": lambda text: file_message(lost("image", text), envelope="view_once_v2"),
    "album": lambda text: _message(83, (2, 2), (3, 0)),
    "sticker_pack": lambda text: _message(86, (1, "pack-1"), (2, text), (3, "somebody"), (10, text)),
    "call": lambda text: _message(69, (1, 0), (2, 1)),
    "pin": lambda text: _message(63, (1, _key()), (2, 1)),
    "keep": lambda text: _message(51, (1, _key()), (2, 1)),
    "phone_number_request": lambda text: _message(54),
    # Nobody has made it yet: as a message that holds a text, or one around another.
    "unborn": lambda text: _message(1900, (1, text)),
    "unborn_envelope": lambda text: _envelope(1901, _conversation(text)),
    # Nothing at all in it.
    "empty": lambda text: b"",
}
KINDS = tuple(_BUILDERS)
"""What `build` can make."""

_MEDIA_TYPES: Mapping[str, str] = {
    "buttons_reply": "buttons_response",
    "list_reply": "list_response",
    "template_reply": "",
    "interactive_reply": "native_flow_response",
    "location": "location",
    "live_location": "livelocation",
    "contact": "vcard",
    "contacts": "contact_array",
    "order": "order",
    "product": "product",
    "view_once": "image",
}


def told_as(kind: str) -> tuple[str, str]:
    """What the stanza of one of KINDS says of it: its type and its type of media ("" for none)."""
    if kind in _MEDIA_TYPES:
        return "media", _MEDIA_TYPES[kind]
    return ("poll" if kind.startswith("poll") else "text"), ""


def build(kind: str, text: str = "", message_secret: bytes | None = None) -> bytes:
    """A waE2E.Message of one of KINDS that says `text` where it has room for one; ValueError for others."""
    builder = _BUILDERS.get(kind)
    if builder is None:
        raise ValueError(f"{kind!r} is no kind of message: one of {', '.join(KINDS)}")
    context = protobuf.encode([(_SECRET, message_secret)]) if message_secret is not None else b""
    return builder(text) + (protobuf.encode([(_CONTEXT, context)]) if context else b"")
