"""An answer that the database does not take now: it waits, and is paid for once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import peewee
import psycopg2
import pytest

from tests.support.provider_server import ProviderServer
from tests.support.shop import Shop, states
from wabot.answers import answering
from wabot.answers.budget import DailyBudget
from wabot.brain.brain import Answer, Brain
from wabot.brain.providers.budget import BudgetUnknown
from wabot.brain.settings import ProviderSettings
from wabot.clock import utc_now
from wabot.config.settings import AiSettings
from wabot.conversation.schedule import ChatSchedule
from wabot.database.engine import migrate, open_database
from wabot.database.models import Inbound


@pytest.fixture
def shop(sqlite_database: Any) -> Shop:
    return Shop()


_FULL = """
CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON wabot_outbox EXECUTE FUNCTION is_full()
"""


@pytest.fixture
def shop_on_full_disk(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Its database takes what fits into the room it has, as the count of attempts, and no answer."""
    monkeypatch.setattr(answering, "DATABASE_RETRY_SECONDS", 0.05)
    opened = open_database(postgresql_url)
    migrate(opened)
    opened.execute_sql(_FULL)
    yield Shop()
    opened.close()


@pytest.mark.postgresql
def test_an_answer_waits_for_room_and_is_asked_for_once(shop_on_full_disk: Shop, postgresql_url: str) -> None:
    def make_room() -> None:
        with closing(psycopg2.connect(postgresql_url)) as connection:
            connection.cursor().execute("DROP TRIGGER full_disk ON wabot_outbox")
            connection.commit()

    timer = threading.Timer(1, make_room)
    timer.start()
    assert shop_on_full_disk.answer("hola") == ["Claro."]
    timer.join()
    assert len(shop_on_full_disk.model.asked) == 1
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("answered", 1)]


def test_a_question_waits_while_the_days_count_cannot_be_asked(
    sqlite_database: Any, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no reason to tell the customer that nobody knows, or to answer without the model."""
    monkeypatch.setattr(answering, "DATABASE_RETRY_SECONDS", 0.05)
    shop = Shop()
    provider = ProviderSettings("test", server.base_url, "model")
    ai = AiSettings(providers=(provider,), calls_per_day=10)
    settings = replace(shop.settings, ai=ai)
    brain = Brain(settings.brain, DailyBudget(settings.account, settings.ai))

    def bring_back() -> None:
        sqlite_database.execute_sql("ALTER TABLE gone RENAME TO wabot_model_usage")
        sqlite_database.close()

    sqlite_database.execute_sql("ALTER TABLE wabot_model_usage RENAME TO gone")
    timer = threading.Timer(0.5, bring_back)
    timer.start()
    shop.model.answers += [lambda: brain.reply(shop.model.asked[-1], utc_now())] * 100
    assert shop.answer("hola") == ["echo: hola"]
    timer.join()
    assert len(server.requests) == 1
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("answered", 1)]


@pytest.mark.parametrize("error", [BudgetUnknown("not known"), peewee.OperationalError("gone")], ids=repr)
def test_what_waits_for_the_database_at_the_end_is_no_failure(
    sqlite_database: Any, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    shop = Shop()

    def fail() -> Answer:
        shop.schedule.close()
        raise error

    shop.model.answers.append(fail)
    shop.schedule.touch(shop.hear("hola"))
    shop.worker.run()
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("pending", 1)], "for the next start"
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == [
        f"database: {error}; the answer to chat 1, +34…22 waits",
        f"database: {error}; chat 1, +34…22 waits",
    ]


@pytest.mark.postgresql
def test_an_answer_that_waits_is_given_up_at_the_end_or_when_it_is_too_late(shop_on_full_disk: Shop) -> None:
    shop = shop_on_full_disk
    chat_id = shop.hear("hola")
    shop.schedule.close()
    with pytest.raises(peewee.OperationalError, match="No space left"):
        shop.worker.answer(chat_id)
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("pending", 1)], "for the next start"

    shop.schedule = shop.worker._schedule = shop.worker._answering._schedule = ChatSchedule(0)
    row = Inbound.get()
    soon = utc_now() - timedelta(seconds=shop.settings.replies.max_age_seconds - 0.5)
    Inbound.update(sent_at=soon).where(Inbound.id == row.id).execute()
    with pytest.raises(peewee.OperationalError, match="No space left"):
        shop.worker.answer(chat_id)
    shop.worker.answer(chat_id)
    assert states() == [("ignored", "too old")]
