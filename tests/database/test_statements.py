from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.arrivals import NOON, later
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Inbound, Outbound
from wabot.database.statements import Parameter, Statement, is_one_of, select
from wabot.whatsapp.messages import MessageKind

SECRET = bytes(range(32))


def a_chat(phone: str = "34600000001") -> Chat:
    return Chat.create(user_id="shop", contact=phone, jid=f"{phone}@s.whatsapp.net", created_at=NOON)


def a_reply(chat: Chat, **columns: Any) -> Outbound:
    given = {"text": "hola", "secret": SECRET, "created_at": NOON, "not_before": NOON, **columns}
    return Outbound.create(user_id="shop", chat=chat, **given)


def test_a_statement_finds_what_peewee_would(database: Any) -> None:
    chat = a_chat()
    for second in range(3):
        a_reply(chat, text=str(second), created_at=later(second))
    newest = Statement(
        lambda: (
            Outbound.select(Outbound.text, Outbound.created_at, Outbound.secret, Outbound.sent_at)
            .where(Outbound.chat == Parameter("chat"), Outbound.created_at >= Parameter("since"))
            .order_by(Outbound.id.desc())
            .limit(Parameter("limit"))
        )
    )
    assert [tuple(row) for row in newest.rows(chat=chat.id, since=later(1), limit=9)] == [
        ("2", later(2), SECRET, None),
        ("1", later(1), SECRET, None),
    ]
    assert len(newest.rows(chat=chat.id, since=later(0), limit=1)) == 1
    assert newest.rows(chat=chat.id + 1, since=later(0), limit=9) == []
    assert newest.first(chat=chat.id + 1, since=later(0), limit=9) is None


def test_a_statement_writes_what_peewee_would(database: Any) -> None:
    chat = a_chat()
    insert = Statement(
        lambda: Inbound.insert(
            user_id="shop",
            chat=Parameter("chat"),
            jid="j",
            message_id=Parameter("message_id"),
            sender="s",
            kind=Parameter("kind", Inbound.kind.db_value),
            text=Parameter("text"),
            offline=Parameter("offline"),
            sent_at=Parameter("now"),
            received_at=Parameter("now"),
        ).on_conflict_ignore()
    )
    values = {
        "chat": chat.id,
        "kind": MessageKind.TEXT,
        "text": "50% ¿'\"? %s :x",
        "offline": True,
        "now": NOON,
    }
    assert insert.change(message_id="A", **values) == 1
    assert insert.change(message_id="A", **values) == 0
    row = Inbound.get()
    assert (row.chat_id, row.text, row.offline, row.sent_at) == (chat.id, values["text"], True, NOON)
    # The model's own defaults, too.
    assert (row.state, row.attempts, row.reply) == ("pending", 0, None)
    count = Statement(
        lambda: Inbound.update(attempts=Inbound.attempts + Parameter("by"), reason=Parameter("reason")).where(
            Inbound.message_id == Parameter("message_id")
        )
    )
    assert count.change(by=2, reason="r", message_id="A") == 1
    assert count.change(by=2, reason="r", message_id="B") == 0
    assert (Inbound.get().attempts, Inbound.get().reason) == (2, "r")


def test_what_is_inserted_tells_its_number(database: Any) -> None:
    chat = a_chat()
    insert = Statement(
        lambda: Outbound.insert(
            user_id="shop",
            chat=Parameter("chat"),
            text="hola",
            secret=Parameter("secret", Outbound.secret.db_value),
            created_at=NOON,
            not_before=NOON,
        ).returning(Outbound.id)
    )
    first = insert.first(chat=chat.id, secret=SECRET)
    second = insert.first(chat=chat.id, secret=bytes(32))
    assert second[0] == first[0] + 1
    assert bytes(Outbound.get_by_id(first[0]).secret) == SECRET


@pytest.mark.parametrize("count", [0, 1, 600])
def test_a_list_of_any_length_is_one_parameter(database: Any, count: int) -> None:
    names = ["ñ'\"\\{", *(f"NAME{number}" for number in range(2000))]
    for name in names[:3]:
        a_chat(name)
    statement = Statement(lambda: Chat.select(Chat.contact).where(is_one_of(Chat.contact, "names")))
    assert {row[0] for row in statement.rows(names=names[:count])} == set(names[: min(count, 3)])
    assert {row[0] for row in statement.rows(names=[*names[1000:], names[1]])} == {names[1]}


def test_whole_rows_come_as_objects(database: Any) -> None:
    chat = a_chat()
    a_reply(chat)
    found = select(Outbound, lambda replies: replies.where(Outbound.chat == Parameter("chat"))).first(
        chat=chat.id
    )
    wanted = Outbound.get()
    names = [field.name for field in Outbound._meta.sorted_fields if field.name != "chat"]
    assert {name: getattr(found, name) for name in names} | {"secret": bytes(found.secret)} == {
        name: getattr(wanted, name) for name in names
    } | {"secret": bytes(wanted.secret)}
    assert (found.chat_id, found.chat.jid) == (chat.id, chat.jid)


def test_a_value_that_is_missing_is_an_error(database: Any) -> None:
    with pytest.raises(KeyError):
        Statement(lambda: Chat.select(Chat.id).where(Chat.id == Parameter("chat"))).rows()


def test_errors_are_peewees(database: Any) -> None:
    a_chat()
    move = Statement(lambda: Chat.update(contact=None))
    with pytest.raises(peewee.IntegrityError):
        move.change()


def test_a_statement_is_rendered_once_for_each_database(tmp_path: Path, sqlite_database: Any) -> None:
    built = []

    def build() -> Any:
        built.append(1)
        return Chat.select(Chat.phone).where(Chat.contact == Parameter("contact"))

    statement = Statement(build)
    a_chat()
    for _ in range(3):
        assert len(statement.rows(contact="34600000001")) == 1
    assert len(built) == 1
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other)
    assert statement.rows(contact="34600000001") == []
    assert len(built) == 2
    other.close()
