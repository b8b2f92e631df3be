"""What the brain is told of what was said before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.arrivals import arrival
from tests.support.shop import Shop
from wabot.clock import utc_now
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.whatsapp.messages import MessageKind

QUEUE = SendQueue("shop")


@pytest.fixture
def shop(sqlite_database: Any) -> Shop:
    return Shop()


def test_the_next_question_comes_with_the_history(shop: Shop) -> None:
    shop.answer("¿tienen tazas?")
    shop.answer("¿azules?")
    assert [turn.text for turn in shop.model.asked[1].turns] == ["¿tienen tazas?", "Claro.", "¿azules?"]
    assert shop.model.asked[1].language == "es"
    assert shop.model.asked[1].customer_name == "Ana"


def test_quotes_captions_and_reactions_are_context(shop: Shop) -> None:
    shop.answer("¿me la reserva?")
    row = Outbound.get()
    QUEUE.begin(row, utc_now())
    QUEUE.mark_sent(row, "3EB0A", utc_now())
    shop.answer(
        arrival("👍", kind=MessageKind.REACTION, target_id="3EB0A"),
        arrival("esta", quoted_text="la taza azul\nde 4 €"),
        arrival("y esta", kind=MessageKind.IMAGE),
    )
    assert shop.model.heard == ["[👍] > Claro.\n> la taza azul\n> de 4 €\nesta", "y esta"]
