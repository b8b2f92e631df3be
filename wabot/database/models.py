"""The tables, as peewee models.

All times are naive UTC: an aware datetime came back shifted from a PostgreSQL whose zone is not UTC, and as a
text with an offset from SQLite (measured with peewee 4.5.3).
"""

from __future__ import annotations

from enum import StrEnum
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

database: Any = DatabaseProxy()
# peewee's own types know neither what a column holds nor what a query gives back.
_Model: Any = Model


class InboundState(StrEnum):
    """What became of a message, as it stands in its row."""

    PENDING = "pending"
    ANSWERED = "answered"
    IGNORED = "ignored"
    FAILED = "failed"
    OWNER = "owner"


class OutboundState(StrEnum):
    """How far a reply came, as it stands in its row."""

    PENDING = "pending"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    UNSURE = "unsure"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class PauseReason(StrEnum):
    """Why a chat is paused, as it stands in its row."""

    OWNER = "the owner wrote"
    COMMAND = "the owner asked for it"
    ESCALATED = "the customer asked for a person"
    LOOP = "it looks like another bot"
    SHUT_OUT = "WhatsApp does not let this device write there (463)"


class Reason(StrEnum):
    """Why a message is not answered, as it stands in its row.

    Where a kind of message or a number is part of it, the row has a sentence of its own, which nobody looks
    for; where a pause is, what `because_paused` says.
    """

    OWN_ECHO = "own echo"
    NO_CONVERSATION = "not a conversation"
    OWNERS_COMMAND = "the owner's command"
    OWN_NOTES = "the owner's own notes"
    OWNER_WROTE = "the owner wrote"
    GROUP = "group"
    NOT_MENTIONED = "group, not mentioned"
    DENIED = "denied"
    NOT_ALLOWED = "not on the allow list"
    OPTED_IN = "opted in"
    OPTED_OUT = "opted out"
    TOO_OLD = "too old"
    NOT_BEGUN = "nothing began the chat"
    PERSON_WANTED = "asked for a person"
    CLOSED = "closed"
    TAKEN_BACK = "taken back"
    SILENCED = "the chat is paused, or the customer opted out"
    NOT_KNOWN_AGAIN = "not known, told already"
    NOTHING_TO_READ_AGAIN = "nothing to read, told already"
    CANNOT_OPEN_AGAIN = "cannot be opened, told already"
    LOST_AGAIN = "lost; asked to repeat already"
    ONLY_FOR_PERSON = "only a person can read it"


def because_paused(reason: str) -> str:
    """Why a message of a paused chat is not answered, as it stands in its row.

    Args:
        reason: why the chat is paused.
    """
    return f"paused: {reason}"


PAUSED = tuple(map(because_paused, PauseReason))
"""What `because_paused` makes of every reason for a pause."""


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


class Outbound(BaseModel):
    """A message to send. What the owner is told has no text here: it stands in `OwnerLine`.

    Attributes:
        state: one of `OutboundState`.
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
    text = TextField()
    source = CharField(default="")
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


OWN_TABLES = (Fact, Session, Chat, Inbound, Outbound, OwnerLine, ModelUsage)


def accounts_of(model: Any) -> list[str]:
    """The accounts that have rows in a table, in order; one step along an index for each."""
    found: list[str] = []
    while True:
        rest = model.select(fn.MIN(model.user_id))
        user_id = (rest.where(model.user_id > found[-1]) if found else rest).scalar()
        if user_id is None:
            return found
        found.append(user_id)
