"""Files that come with messages, and what else the outbox sends. A frozen copy of the models."""

from __future__ import annotations

from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

_OUTBOX_COLUMNS = {
    "kind": "VARCHAR(255) NOT NULL DEFAULT 'text'",
    "file": "TEXT NOT NULL DEFAULT ''",
    "upload": "TEXT NOT NULL DEFAULT ''",
    "key": "TEXT",
}


def up(migrator: Any, db: Any) -> None:
    """Create the table, and add the columns; a default that does not change writes no row anew."""

    class Inbound(Model):
        id = AutoField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_inbox"

    class ReceivedFile(Model):
        id = AutoField()
        user_id = TextField()
        message = ForeignKeyField(Inbound, on_delete="CASCADE", unique=True)
        kind = CharField()
        state = CharField(default="pending")
        reason = TextField(default="")
        mimetype = TextField(default="")
        file_name = TextField(default="")
        size_bytes = BigIntegerField(default=0)
        seconds = IntegerField(default=0)
        is_voice = BooleanField(default=False)
        source = TextField(default="")
        attempts = IntegerField(default=0)
        not_before = DateTimeField()
        text = TextField(default="")
        author = TextField(default="")
        settled_at = DateTimeField(null=True)

        class Meta:
            legacy_table_names = False
            table_name = "wabot_received_files"
            indexes = ((("user_id", "state", "not_before"), False), (("user_id", "settled_at"), False))

    with db.bind_ctx([Inbound, ReceivedFile]):
        db.create_tables([ReceivedFile], safe=False)
    for column, what in _OUTBOX_COLUMNS.items():
        db.execute_sql(f"ALTER TABLE wabot_outbox ADD COLUMN {column} {what}")
    # The name is peewee's own for this index of the models.
    db.execute_sql("CREATE UNIQUE INDEX wabot_outbox_user_id_key ON wabot_outbox (user_id, key)")
