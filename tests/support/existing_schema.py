"""The tables of an existing application: as its library makes them on PostgreSQL, and a copy for SQLite."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import peewee

POSTGRESQL = """
CREATE TYPE "UserRole" AS ENUM ('USER', 'ADMIN');
CREATE TYPE "ConnectionStatus" AS ENUM
    ('DISCONNECTED', 'CONNECTING', 'CONNECTED', 'ERROR', 'QR_PENDING', 'QR_EXPIRED');
CREATE TABLE "users" (
    "id" TEXT PRIMARY KEY,
    "email" TEXT NOT NULL UNIQUE,
    "name" TEXT,
    "phone" TEXT,
    "password" TEXT NOT NULL,
    "role" "UserRole" NOT NULL DEFAULT 'USER',
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL
);
CREATE TABLE "whatsapp_connections" (
    "id" TEXT PRIMARY KEY,
    "userId" TEXT NOT NULL UNIQUE,
    "phoneNumber" TEXT NOT NULL UNIQUE,
    "status" "ConnectionStatus" NOT NULL DEFAULT 'DISCONNECTED',
    "qrCode" TEXT,
    "qrExpiresAt" TIMESTAMP(3),
    "sessionId" TEXT,
    "lastConnectedAt" TIMESTAMP(3),
    "lastMessageAt" TIMESTAMP(3),
    "isConnected" BOOLEAN NOT NULL DEFAULT false,
    "connectionAttempts" INTEGER NOT NULL DEFAULT 0,
    "lastError" TEXT,
    "lastErrorAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL
);
CREATE TABLE "sessions" (
    "id" TEXT PRIMARY KEY,
    "userId" TEXT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "token" TEXT NOT NULL UNIQUE,
    "expiresAt" TIMESTAMP(3) NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
"""
FOREIGN_KEY = """
ALTER TABLE "whatsapp_connections" ADD CONSTRAINT "whatsapp_connections_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES "users" ("id") ON DELETE CASCADE ON UPDATE CASCADE
"""


def create_application(database: Any, *, foreign_key: bool = True) -> None:
    """Create the application's tables, as its own migrations would."""
    if not isinstance(database, peewee.SqliteDatabase):
        database.execute_sql(POSTGRESQL + (FOREIGN_KEY if foreign_key else ""))
        return
    reference = ' REFERENCES "users" ("id") ON DELETE CASCADE' if foreign_key else ""
    for statement in POSTGRESQL.split(";"):
        if "CREATE TABLE" in statement:
            for name in ('"UserRole"', '"ConnectionStatus"'):
                statement = statement.replace(f" {name}", " TEXT")
            unique = '"userId" TEXT NOT NULL UNIQUE'
            database.execute_sql(statement.replace(unique, unique + reference))


def add_user(database: Any, user_id: str) -> None:
    """Register a user with the application."""
    users = peewee.Table("users").bind(database)
    users.insert(
        {
            users.c.id: user_id,
            users.c.email: f"{user_id}@example.test",
            users.c.password: "hash",
            users.c.updatedAt: _time(database, datetime(2026, 1, 1)),
        }
    ).execute()


def add_row(database: Any, user_id: str, updated_at: datetime, **columns: Any) -> None:
    """Put a row into the application's table of connections.

    Args:
        database: open.
        user_id: whose row.
        updated_at: naive UTC.
        columns: further columns, under their real names.
    """
    table = peewee.Table("whatsapp_connections").bind(database)
    values = {"id": f"row-{user_id}", "userId": user_id, "phoneNumber": f"number-{user_id}"}
    values |= {"updatedAt": _time(database, updated_at), **columns}
    table.insert({getattr(table.c, name): value for name, value in values.items()}).execute()


def rows(database: Any) -> dict[str, dict[str, Any]]:
    """The table of connections, by user."""
    cursor = database.execute_sql('SELECT * FROM "whatsapp_connections"')
    names = [each[0] for each in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {str(row["userId"]): row for row in found}


def _time(database: Any, moment: datetime) -> datetime | str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}" if isinstance(database, peewee.SqliteDatabase) else moment
