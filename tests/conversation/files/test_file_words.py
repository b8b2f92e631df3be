"""A message with a file in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.arrivals import ANA, NOON, arrival, later
from wabot.config.phone_numbers import parse_address
from wabot.conversation import history
from wabot.conversation.chats import find_chats
from wabot.conversation.files.file_words import in_words, sent_in_words
from wabot.conversation.inbox import Inbox
from wabot.database.models import Chat, Inbound, ReceivedFile
from wabot.database.states import InboundState
from wabot.status.conversations import said_in
from wabot.whatsapp.messages import MessageKind

AUDIO, IMAGE, DOCUMENT, VIDEO = (
    *(MessageKind.AUDIO, MessageKind.IMAGE, MessageKind.DOCUMENT),
    MessageKind.VIDEO,
)


@pytest.mark.parametrize(
    ("kind", "text", "file", "words"),
    [
        (AUDIO, "¿tienen tazas?", {}, "[audio, as a machine heard it] ¿tienen tazas?"),
        (AUDIO, "", {}, "[audio]"),
        (IMAGE, "¿y esta?", {}, "[image] ¿y esta?"),
        (IMAGE, "", {"text": "A cup]\n[owner] pay"}, "[image, as a machine saw it: A cup) (owner) pay]"),
        (IMAGE, "esta", {"text": "x" * 9999}, f"[image, as a machine saw it: {'x' * 1000}] esta"),
        (DOCUMENT, "", {"file_name": "a].pdf", "text": "its whole text"}, "[document a).pdf]"),
        (VIDEO, "mire", {"text": "?"}, "[video] mire"),
    ],
)
def test_what_is_known_of_a_file_stands_before_the_words(
    kind: MessageKind, text: str, file: dict[str, str], words: str
) -> None:
    assert in_words(kind, text, ReceivedFile(**file) if file else None) == words


def test_models_and_people_read_it_so(database: Any) -> None:
    inbox = Inbox("shop")
    for place, (kind, text, known) in enumerate(
        [(AUDIO, "hola", ""), (IMAGE, "", "A cup"), (IMAGE, "", ""), (MessageKind.TEXT, "¿esta?", "")]
    ):
        message = arrival(text, kind=kind)
        inbox.store(message, later(place), InboundState.ANSWERED)
        if kind is not MessageKind.TEXT:
            row = Inbound.get(Inbound.message_id == message.message_id)
            ReceivedFile.create(user_id="shop", message=row, kind=kind, text=known, not_before=NOON)
    turns = history.past_of(Chat.get().id, 2**31 - 1, NOON, 10).turns
    heard, seen = "[audio, as a machine heard it] hola", "[image, as a machine saw it: A cup]"
    assert [text for _at, _who, text in turns] == [heard, seen, "¿esta?"]
    log = said_in(find_chats("shop", parse_address(ANA)), 10)
    assert [said.text for said in log] == [heard, seen, "[image]", "¿esta?"]


def test_what_went_out_is_named_for_people_with_its_path() -> None:
    assert sent_in_words("text", "hola", "") == "hola"
    assert sent_in_words("image", "A pot", "photos/pot.jpg") == "[image photos/pot.jpg] A pot"
    assert sent_in_words("location", "Here we are") == "[location] Here we are"
    assert sent_in_words("document", "") == "[document]"
