"""The tables, as peewee models.

All times are naive UTC: an aware datetime came back shifted from a PostgreSQL whose zone is not UTC, and as a
text with an offset from SQLite (measured with peewee 4.5.3).
"""

from __future__ import annotations

from typing import Any

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    DatabaseProxy,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
    fn,
)

from wabot.database.states import FileState, InboundState, OutboundKind, OutboundState

database: Any = DatabaseProxy()
# peewee's own types know neither what a column holds nor what a query gives back.
_Model: Any = Model


class BaseModel(_Model):
    """Binds every table to the one database of the process."""

    class Meta:
        database = database
        legacy_table_names = False


class Fact(BaseModel):
    """What has to be remembered about the database itself."""

    key = CharField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "wabot_facts"


class Session(BaseModel):
    """What the process that owns a session last said of it; true only while the session lock is held."""

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
    models_trouble = TextField(default="")
    updated_at = DateTimeField()

    class Meta:
        table_name = "wabot_sessions"


class Chat(BaseModel):
    """One conversation, known by the phone number where WhatsApp shows it.

    It is paused while it has a `pause_reason` and `paused_until` lies ahead, or is null: until it is resumed.

    Attributes:
        away_at: when the customer was last told that nobody is there.
        disclosed_at: when the customer was last told that an assistant answers.
        expiration_seconds: after what time its messages disappear; 0 or null where they stay.
    """

    id = AutoField()
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
    disclosed_at = DateTimeField(null=True)
    expiration_seconds = IntegerField(null=True)
    created_at = DateTimeField()

    class Meta:
        table_name = "wabot_chats"
        indexes = (
            (("user_id", "contact"), True),
            (("user_id", "jid"), False),
            (("user_id", "phone"), False),
            (("user_id", "lid"), False),
            (("user_id", "pause_reason"), False),
        )


class Inbound(BaseModel):
    """A message that reached the account.

    Attributes:
        state: one of `InboundState`.
        reason: why it is in that state.
        revision: counts the customer's edits.
        reply: the first part of its answer in the outbox.
        secret: what an edit of it is sealed with, as long as its text is kept.
    """

    id = AutoField()
    user_id = TextField()
    chat = ForeignKeyField(Chat, on_delete="CASCADE", backref="inbound", index=False)
    chat_id: int
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
    state = CharField(default=InboundState.PENDING)
    reason = TextField(default="")
    attempts = IntegerField(default=0)
    revision = IntegerField(default=0)
    reply = IntegerField(null=True)
    secret = BlobField(null=True)

    class Meta:
        table_name = "wabot_inbox"
        indexes = (
            (("user_id", "message_id", "jid"), True),
            (("user_id", "state", "chat"), False),
            (("user_id", "received_at", "chat"), False),
            (("user_id", "kind"), False),
            (("chat", "id"), False),
            (("chat", "received_at"), False),
        )


# What people wrote in groups, where the chat is not theirs.
Inbound.add_index(Inbound.user_id, Inbound.sender, where=SQL("sender <> jid"))


class ReceivedFile(BaseModel):
    """A file that came with a message; it goes with that message's row.

    Its content lies in the session's media directory, named by this row's number, and only as long as
    somebody has to read it. Where it can be fetched from, and its key, are erased as soon as nobody has to.

    Attributes:
        kind: one of `MessageKind`.
        state: one of `FileState`.
        reason: why it is in that state.
        mimetype, file_name, size_bytes, seconds, is_voice: what its sender says of it.
        source: where it can be fetched and how it is decrypted, as JSON; "" when nobody has to any more.
        not_before: when to try again; naive UTC.
        text: what was heard, seen or read in it.
        author: what understood it, as the name of a transcriber.
        settled_at: when it was understood or given up.
    """

    id = AutoField()
    user_id = TextField()
    message = ForeignKeyField(Inbound, on_delete="CASCADE", backref="files", unique=True)
    message_id: int
    kind = CharField()
    state = CharField(default=FileState.PENDING)
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
        table_name = "wabot_received_files"
        indexes = ((("user_id", "state", "not_before"), False), (("user_id", "settled_at"), False))


class Outbound(BaseModel):
    """A message to send. What the owner is told has no text here: it stands in `OwnerLine`.

    Attributes:
        held_back: what a model claimed without support in an answer that this one took the place of.
        kind: one of `OutboundKind`.
        text: what it says; of a file, its caption.
        file: of a file, its path in the folder of texts, or where it lies in the media directory.
        upload: where WhatsApp keeps an uploaded file, with its keys, as JSON: another attempt, or another
            copy, uploads nothing; of a location, its place.
        state: one of `OutboundState`.
        key: of whoever had it sent, so that the same twice is sent once; null for all else.
        first_part: where the answer begins that this continues; null where it begins.
        secret: planted into the message: whatsmeow writes it with the message id into its own store before
            the frame leaves, so that a send in flight at a crash can be told from one that never began.
        message_id: that of the last copy whose id is known.
        delivered_at: when a device of the customer confirmed one.
    """

    id = AutoField()
    user_id = TextField()
    chat = ForeignKeyField(Chat, on_delete="CASCADE", backref="outbound", index=False)
    chat_id: int
    kind = CharField(default=OutboundKind.TEXT)
    text = TextField()
    file = TextField(default="")
    upload = TextField(default="")
    source = CharField(default="")
    key = TextField(null=True)
    first_part = IntegerField(null=True)
    state = CharField(default=OutboundState.PENDING)
    copies = IntegerField(default=0)
    refusals = IntegerField(default=0)
    secret = BlobField()
    message_id = TextField(default="")
    created_at = DateTimeField()
    not_before = DateTimeField()
    sending_at = DateTimeField(null=True)
    sent_at = DateTimeField(null=True)
    delivered_at = DateTimeField(null=True)
    held_back = TextField(default="")
    error = TextField(default="")

    class Meta:
        table_name = "wabot_outbox"
        indexes = (
            (("user_id", "state", "chat", "id"), False),
            (("chat", "id"), False),
            (("chat", "created_at"), False),
            (("user_id", "message_id"), False),
            (("user_id", "created_at"), False),
            (("user_id", "sending_at"), False),
            (("user_id", "key"), True),
        )


class OwnerLine(BaseModel):
    """A line of what the owner is told; the lines of a row of the outbox are put together when it leaves.

    `about` is the chat it speaks of, and goes with that; null where it speaks of none.
    """

    id = AutoField()
    notice = ForeignKeyField(Outbound, on_delete="CASCADE", backref="lines")
    notice_id: int
    about = ForeignKeyField(Chat, on_delete="CASCADE", null=True, backref="told_to_owner")
    about_id: int | None
    text = TextField()

    class Meta:
        table_name = "wabot_owner_lines"


class ModelUsage(BaseModel):
    """What one provider took on one day of the account's; `provider` "" is all of them together.

    Kept only where there is a limit. Calls that are under way count with what they may take at most.
    `refused_tokens` is what the day's first call that found no room would have taken; null when none did.
    """

    id = AutoField()
    user_id = TextField()
    day = CharField()
    provider = TextField()
    calls = IntegerField(default=0)
    tokens = BigIntegerField(default=0)
    refused_tokens = IntegerField(null=True)

    class Meta:
        table_name = "wabot_model_usage"
        indexes = ((("user_id", "day", "provider"), True),)


OWN_TABLES = (Fact, Session, Chat, Inbound, ReceivedFile, Outbound, OwnerLine, ModelUsage)


def accounts_of(model: Any) -> list[str]:
    """The accounts that have rows in a table, in order; one step along an index for each."""
    found: list[str] = []
    while True:
        rest = model.select(fn.MIN(model.user_id))
        user_id = (rest.where(model.user_id > found[-1]) if found else rest).scalar()
        if user_id is None:
            return found
        found.append(user_id)
