"""That an assistant answers is said once in each conversation, with the first answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.arrivals import arrival
from tests.support.shop import Shop
from wabot.brain.brain import Answer
from wabot.brain.guard.verdict import Unsupported
from wabot.brain.texts import texts_for
from wabot.clock import utc_now
from wabot.database.models import Chat, Outbound

pytestmark = pytest.mark.usefixtures("sqlite_database")
IN_SPANISH = texts_for("es").disclosure


def test_the_first_answer_of_a_conversation_says_that_an_assistant_gives_it() -> None:
    shop = Shop(disclosure=True)
    assert shop.answer("¿tienen tazas rojas?") == [f"{IN_SPANISH}\n\nClaro."]
    assert Chat.get().disclosed_at is not None
    assert shop.answer("¿y azules?")[1:] == ["Claro."]
    # A month later, when nobody wrote meanwhile, it is a conversation of its own.
    month_ago = utc_now() - timedelta(days=31)
    Chat.update(disclosed_at=month_ago).execute()
    assert shop.answer("¿y verdes?")[2:] == ["Claro."]
    Outbound.update(created_at=month_ago).execute()
    assert shop.answer("¿y negras?")[3:] == [f"{IN_SPANISH}\n\nClaro."]


def test_it_is_said_in_the_customers_language_and_apart_where_there_is_no_room() -> None:
    shop = Shop(disclosure=True)
    long = "x" * shop.settings.replies.max_length
    shop.model.answers.append(Answer((long, "b"), "model:test"))
    assert shop.answer("what are your opening hours, please?") == [texts_for("en").disclosure, long, "b"]


def test_what_is_no_answer_says_nothing_of_it() -> None:
    shop = Shop(disclosure=True, models=False)
    shop.model.answers.append(Answer((texts_for("es").cannot_answer,), "polite"))
    assert shop.answer("¿hacéis facturas?") == [texts_for("es").cannot_answer]
    assert Chat.get().disclosed_at is None
    assert IN_SPANISH not in "".join(shop.answer(arrival("BAJA")))


def test_it_can_be_switched_off() -> None:
    assert Shop(disclosure=False).answer("¿tienen tazas?") == ["Claro."]


def test_what_a_model_claimed_without_support_is_noted_with_the_answer_that_took_its_place() -> None:
    shop = Shop()
    shop.model.answers.append(Answer(("Son 5 €.",), "model:test", held_back=(Unsupported("amount", "3 €"),)))
    shop.answer("¿cuánto es?")
    assert [row.held_back for row in Outbound.select()] == ["amount: 3 €"]
