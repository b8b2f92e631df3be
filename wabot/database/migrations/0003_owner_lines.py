"""What the owner is told refers to the chats it speaks of. A frozen copy of the models, which may move on.

Until now it was one text, which named people as they were called at that time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from peewee import AutoField, CharField, ForeignKeyField, Model, TextField

_NAMES_NOBODY = frozenset(
    {"🤖 Respondo en todos los chats.", "🤖 I answer in every chat.", "🤖 Respondo em todas as conversas."}
)


def up(migrator: Any, db: Any) -> None:
    """Create the table, and move into it what is surely about one chat; the rest is erased."""

    class Chat(Model):
        id = AutoField()
        user_id = TextField()
        contact = TextField()
        phone = TextField()
        name = TextField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_chats"

    class Outbound(Model):
        id = AutoField()
        user_id = TextField()
        text = TextField()
        source = CharField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_outbox"

    class OwnerLine(Model):
        id = AutoField()
        notice = ForeignKeyField(Outbound, on_delete="CASCADE")
        about = ForeignKeyField(Chat, on_delete="CASCADE", null=True)
        text = TextField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_owner_lines"

    with db.bind_ctx([Chat, Outbound, OwnerLine]):
        db.create_tables([OwnerLine], safe=False)
        notices = list(
            Outbound.select().where(Outbound.source.in_(("status", "unanswered"))).order_by(Outbound.id)
        )
        chats = _chats_by_name(Chat) if notices else {}
        for notice in notices:
            kept = False
            for line in notice.text.split("\n"):
                named = _named(line, chats.get(notice.user_id, {}))
                if len(named) == 1 or line in _NAMES_NOBODY:
                    OwnerLine.insert(notice=notice.id, text=line, about=next(iter(named), None)).execute()
                    kept = True
            if kept:
                Outbound.update(text="").where(Outbound.id == notice.id).execute()
            else:
                Outbound.delete().where(Outbound.id == notice.id).execute()


def _chats_by_name(chat_model: Any) -> dict[str, dict[str, set[int]]]:
    """For each account, the numbers of the chats that a name or a number may mean."""
    found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    query = chat_model.select(
        chat_model.id, chat_model.user_id, chat_model.contact, chat_model.phone, chat_model.name
    )
    for number, user_id, contact, phone, name in query.tuples().iterator():
        for called in {" ".join(name.split()), f"+{phone}" if phone else "", contact} - {""}:
            found[user_id][called].add(number)
    return found


def _named(line: str, chats: dict[str, set[int]]) -> set[int]:
    """The chats that a line may be about: it begins with a robot and a name, in which anything may stand."""
    if not line.startswith("🤖 "):
        return set()
    said = line.removeprefix("🤖 ")
    ends = [at for at in range(len(said)) if said.startswith(": ", at)]
    return set().union(*(chats.get(said[:at], ()) for at in ends))
