"""The first tables. A frozen copy of the models, which may move on."""

from __future__ import annotations

from typing import Any

from peewee import (
    SQL,
    AutoField,
    BlobField,
    BooleanField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)


def up(migrator: Any, db: Any) -> None:
    """Create the tables."""
    # Without this SQLite gives the number of a deleted row to the next one, and a process that remembers the
    # chat of a customer who was forgotten meanwhile would write into another customer's.
    never_reused: list[Any] = [SQL("AUTOINCREMENT")] if isinstance(db, SqliteDatabase) else []

    class Fact(Model):
        key = CharField(primary_key=True)
        value = TextField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_facts"

    class Session(Model):
        user_id = TextField(primary_key=True)
        state = CharField(default="stopped")
        reason = TextField(default="")
        since = DateTimeField(null=True)
        jid = TextField(default="")
        phone = TextField(default="")
        qr = TextField(null=True)
        qr_expires_at = DateTimeField(null=True)
        pair_code = CharField(null=True)
        unstable_cycles = IntegerField(default=0)
        banned_until = DateTimeField(null=True)
        last_inbound_at = DateTimeField(null=True)
        last_reply_at = DateTimeField(null=True)
        updated_at = DateTimeField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_sessions"

    class Chat(Model):
        id = AutoField(constraints=never_reused)
        user_id = TextField()
        contact = TextField()
        jid = TextField()
        phone = TextField(default="")
        lid = TextField(default="")
        name = TextField(default="")
        language = CharField(default="")
        pause_reason = TextField(default="")
        paused_until = DateTimeField(null=True)
        opted_out_at = DateTimeField(null=True)
        away_at = DateTimeField(null=True)
        created_at = DateTimeField()

        class Meta:
            legacy_table_names = False
            table_name = "wabot_chats"
            indexes = ((("user_id", "contact"), True), (("user_id", "lid"), False))

    class Inbound(Model):
        id = AutoField(constraints=never_reused)
        user_id = TextField()
        chat = ForeignKeyField(Chat, on_delete="CASCADE", backref="inbound")
        jid = TextField()
        message_id = TextField()
        sender = TextField()
        kind = CharField()
        text = TextField()
        quoted_text = TextField(default="")
        mentions = TextField(default="")
        offline = BooleanField(default=False)
        sent_at = DateTimeField()
        received_at = DateTimeField()
        state = CharField(default="pending")
        reason = TextField(default="")
        attempts = IntegerField(default=0)
        revision = IntegerField(default=0)
        reply = IntegerField(null=True)

        class Meta:
            legacy_table_names = False
            table_name = "wabot_inbox"
            indexes = (
                (("user_id", "jid", "message_id"), True),
                (("user_id", "state", "chat"), False),
                (("chat", "id"), False),
            )

    class Outbound(Model):
        id = AutoField(constraints=never_reused)
        user_id = TextField()
        chat = ForeignKeyField(Chat, on_delete="CASCADE", backref="outbound")
        text = TextField()
        source = CharField(default="")
        first_part = IntegerField(null=True)
        state = CharField(default="pending")
        copies = IntegerField(default=0)
        refusals = IntegerField(default=0)
        secret = BlobField()
        message_id = TextField(default="")
        created_at = DateTimeField()
        not_before = DateTimeField()
        sending_at = DateTimeField(null=True)
        sent_at = DateTimeField(null=True)
        delivered_at = DateTimeField(null=True)
        error = TextField(default="")

        class Meta:
            legacy_table_names = False
            table_name = "wabot_outbox"
            indexes = (
                (("user_id", "state", "chat", "id"), False),
                (("chat", "id"), False),
                (("user_id", "message_id"), False),
            )

    tables = (Fact, Session, Chat, Inbound, Outbound)
    with db.bind_ctx(tables):
        db.create_tables(tables, safe=False)
