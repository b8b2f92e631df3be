"""Fills a database with years of messages, in plain SQL, for `scripts/bench size` and for tests of growth."""

from __future__ import annotations

from typing import Any

import peewee

from wabot.database.engine import migrate, open_database
from wabot.database.errors import patience

USER_ID = "shop"
CUSTOMER_PHONE = "34600000001"
"""One of the customers: of chat 1."""
DAYS = 100
"""How far back the messages go, evenly spread."""

_LONGEST_STATEMENT_SECONDS = 3600.0
_CHATS = """
INSERT INTO wabot_chats
    (user_id, contact, jid, phone, lid, name, language, pause_reason, created_at)
{numbers} SELECT
    '{user}',
    CASE WHEN {group} THEN {group_jid} ELSE {phone} || '@s.whatsapp.net' END,
    CASE WHEN {group} THEN {group_jid} ELSE {phone} || '@s.whatsapp.net' END,
    CASE WHEN {group} THEN '' ELSE {phone} END,
    CASE WHEN {group} THEN '' ELSE CAST(90000000000000 + c AS TEXT) END,
    'Customer ' || c, 'es', '', {long_ago}
FROM (SELECT n, n AS c FROM numbers) AS every
"""
_INBOX = """
INSERT INTO wabot_inbox
    (user_id, chat_id, jid, message_id, sender, kind, text, quoted_text, mentions, offline, sent_at,
    received_at, state, reason, attempts, revision, reply)
{numbers} SELECT
    '{user}', c,
    CASE WHEN {group} THEN {group_jid} ELSE {phone} || '@s.whatsapp.net' END,
    'IN' || {scattered} || 'x' || n,
    CASE WHEN {group} THEN CAST(34600000000 + {scattered} AS TEXT) ELSE {phone} END || '@s.whatsapp.net',
    CASE WHEN {every_10000th} THEN 'lost' ELSE 'text' END,
    'Good morning, what are your opening hours, and do you deliver to the old town? ' || n,
    '', '', {false}, {at}, {at},
    CASE WHEN {every_50th} THEN 'owner' ELSE 'answered' END,
    'knowledge', 1, 0, n
FROM (SELECT n, 1 + {scattered} - {scattered} / {chats} * {chats} AS c FROM numbers) AS every
"""
_OUTBOX = """
INSERT INTO wabot_outbox
    (user_id, chat_id, text, source, state, copies, refusals, secret, message_id, created_at, not_before,
    sending_at, sent_at, delivered_at, error)
{numbers} SELECT
    '{user}', c, 'We are open from nine to five, every day, and deliver within the city. ' || n,
    'knowledge', CASE WHEN {every_100th} THEN 'dead' ELSE 'sent' END, 1, 0, {secret},
    'OUT' || {scattered} || 'x' || n, {at}, {at}, {at},
    CASE WHEN {every_100th} THEN NULL ELSE {at} END, {at}, ''
FROM (SELECT n, 1 + {scattered} - {scattered} / {chats} * {chats} AS c FROM numbers) AS every
"""


def fill(url: str, messages: int, chats: int) -> None:
    """Make wabot's tables and fill them: so many messages received, as many replies, all settled.

    They are spread over DAYS days. Each hundredth chat is a group, each hundredth reply was given up, each
    fiftieth message is the owner's; one chat in a hundred has no messages.

    Args:
        url: of an empty database.
        messages: how many.
        chats: how many of them have messages.
    """
    database = open_database(url)
    with patience(_LONGEST_STATEMENT_SECONDS):
        migrate(database)
        is_sqlite = isinstance(database, peewee.SqliteDatabase)
        database.execute_sql("PRAGMA cache_size = -200000" if is_sqlite else "SET statement_timeout = 0")
        with database.atomic():
            database.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
            database.execute_sql(f"INSERT INTO users VALUES ('{USER_ID}')")
            _insert(database, _CHATS, chats + max(1, chats // 100), chats, messages)
            _insert(database, _INBOX, messages, chats, messages)
            _insert(database, _OUTBOX, messages, chats, messages)
        # As the janitor does it each hour, and PostgreSQL by itself.
        if is_sqlite:
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute_sql("PRAGMA analysis_limit=400")
            database.execute_sql("PRAGMA optimize")
        else:
            database.execute_sql("VACUUM ANALYZE")
            database.execute_sql("CHECKPOINT")
        database.close()


def _insert(database: Any, statement: str, rows: int, chats: int, messages: int) -> None:
    is_sqlite = isinstance(database, peewee.SqliteDatabase)
    seconds = f"({messages} - n) * {DAYS * 86_400} / {messages}"
    if is_sqlite:
        at = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ({seconds}) || ' seconds') || '000'"
        long_ago = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{DAYS} days') || '000'"
        secret, false = "randomblob(32)", "0"
    else:
        at = f"timezone('UTC', now()) - ({seconds}) * interval '1 second'"
        long_ago = f"timezone('UTC', now()) - {DAYS} * interval '1 day'"
        secret, false = "decode(md5(n::text) || md5((n + 1)::text), 'hex')", "false"
    words = {
        "numbers": "WITH RECURSIVE numbers(n) AS "
        f"(SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})",
        "user": USER_ID,
        "chats": chats,
        # psycopg2 takes a percent sign for a parameter.
        "scattered": "(n * 7919 - n * 7919 / 1000003 * 1000003)",
        "group": "c = c / 100 * 100",
        "group_jid": "(120363000000000000 + c) || '@g.us'",
        "phone": "CAST(34600000000 + c AS TEXT)",
        "every_50th": "n = n / 50 * 50",
        "every_100th": "n = n / 100 * 100",
        "every_10000th": "n = n / 10000 * 10000",
        "at": at,
        "long_ago": long_ago,
        "secret": secret,
        "false": false,
    }
    database.execute_sql(statement.format_map(words))
