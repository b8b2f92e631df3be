"""Places and contacts as a line of words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.neonize_events import e2e
from wabot.emulator.signal.message_kinds import build
from wabot.emulator.signal.places import Place, live_location, location
from wabot.whatsapp.messages import MessageKind
from wabot.whatsapp.reading.content import Content, content_of, title_of

LOCATION, CONTACT = MessageKind.LOCATION, MessageKind.CONTACT
CARD = "BEGIN:VCARD\nFN:Eva\nitem1.TEL;waid=34600999999;type=CELL:+34 600 999 999\nEMAIL:eva@example.com\nEND"


def said(message: Any) -> tuple[MessageKind, str]:
    content = content_of(e2e.Message.FromString(message) if isinstance(message, bytes) else message)
    return content.kind, content.text


def place(**fields: Any) -> Any:
    return e2e.Message(locationMessage=fields)


def card(**fields: Any) -> Any:
    return e2e.Message(contactMessage=fields)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (location(Place(40.4, -3.7, "Casa", "Calle Mayor 1")), "Casa, Calle Mayor 1, 40.40000,-3.70000"),
        (location(Place(40.4, -3.7)), "40.40000,-3.70000"),
        (live_location(Place(40.4, -3.7, "estoy aquí")), "estoy aquí, 40.40000,-3.70000"),
        (place(name="Casa\nBAJA\u202e", address="Casa BAJA"), "Casa BAJA"),
        (place(degreesLatitude=float("nan"), degreesLongitude=1), ""),
        (place(degreesLatitude=91, degreesLongitude=1), ""),
        (place(name="x" * 1000), "x" * 300),
        (place(), ""),
    ],
)
def test_a_place(message: Any, text: str) -> None:
    assert said(message) == (LOCATION, text)


def test_of_somebody_who_moves_the_first_place_is_read() -> None:
    assert said(live_location(Place(40.4, -3.7), 2, seconds_under_way=30))[0] is MessageKind.MARK


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (card(displayName="Eva", vcard=CARD), "Eva, +34 600 999 999, eva@example.com"),
        (build("contacts", "Ana"), "Ana, +34 600 999 999; Somebody, +34 600 999 999"),
        (card(vcard=CARD), "+34 600 999 999, eva@example.com"),
        (card(displayName="Eva", vcard="\n".join(["TEL:1"] * 10 + ["TEL:2"])), "Eva, 1"),
        (card(vcard="x" * 100_000), ""),
        (card(), ""),
    ],
)
def test_a_contact(message: Any, text: str) -> None:
    assert said(message) == (CONTACT, text)


def test_many_contacts_are_bounded() -> None:
    cards = [{"displayName": "n" * 1000, "vcard": CARD}] * 5000
    text = content_of(e2e.Message(contactsArrayMessage={"contacts": cards})).text
    assert len(text) < 20_000


def test_where_it_is_quoted_it_says_what_it_is() -> None:
    assert title_of(place(name="Casa")) == "[location] Casa"
    assert title_of(card(displayName="Eva")) == "[contact] Eva"
    assert content_of(place(name="Casa")) == Content(LOCATION, "Casa")
