"""Settings: all sections together. A new setting is a field in service_settings or conversation_settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wabot.brain.settings import BrainSettings
from wabot.config.conversation_settings import (
    AiSettings,
    ChatSettings,
    MediaSettings,
    OutreachSettings,
    ReplySettings,
)
from wabot.config.service_settings import (
    SAFE_PATH,
    USER_ID,
    AccountSettings,
    AlertSettings,
    ConnectionSettings,
    DatabaseSettings,
    JanitorSettings,
    MetricsSettings,
    PathSettings,
    TableSettings,
)

__all__ = [
    "CLOCK",
    "MEDIA",
    "RECEIPTS",
    "SAFE_PATH",
    "SPOOL",
    "STORE",
    "USER_ID",
    "WAKE",
    "AccountSettings",
    "AiSettings",
    "AlertSettings",
    "ChatSettings",
    "ConnectionSettings",
    "DatabaseSettings",
    "JanitorSettings",
    "MediaSettings",
    "MetricsSettings",
    "OutreachSettings",
    "PathSettings",
    "ReplySettings",
    "Settings",
    "TableSettings",
    "lock_file",
]

STORE, SPOOL, RECEIPTS, CLOCK = "whatsapp.db", "spool", "receipts", "clock.json"
"""In a session's directory: the client library's own database, and messages that wabot's does not have."""
WAKE = "wake"
"""There as well: touched by a command that has put something into the outbox."""
MEDIA = "media"
"""There as well: the folder for received files, as long as somebody has to read them."""


def lock_file(sessions: Path, user_id: str) -> Path:
    """The lock of whoever owns a session: beside its directory, which may then be moved aside.

    Args:
        sessions: where the directories of all sessions are.
        user_id: whose session.
    """
    return sessions / f"{user_id}.lock"


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration, checked."""

    account: AccountSettings = field(default_factory=AccountSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    ai: AiSettings = field(default_factory=AiSettings)
    replies: ReplySettings = field(default_factory=ReplySettings)
    chats: ChatSettings = field(default_factory=ChatSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    outreach: OutreachSettings = field(default_factory=OutreachSettings)
    janitor: JanitorSettings = field(default_factory=JanitorSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    file: Path | None = None

    @property
    def source(self) -> str:
        """Where they stand, for people."""
        return str(self.file) if self.file else "no file: all defaults"

    @property
    def brain(self) -> BrainSettings:
        """What the brain is told."""
        return BrainSettings(
            providers=self.ai.providers,
            persona_file=self.ai.system_prompt_file,
            knowledge_folder=self.ai.knowledge,
            whole_texts_tokens=self.ai.whole_texts_tokens,
            history_messages=self.ai.history_messages,
            history_max_age_seconds=self.ai.history_max_age_seconds,
            max_length=self.replies.max_length,
            max_parts=self.replies.max_parts,
            max_files=self.replies.max_files,
        )

    @property
    def sessions(self) -> Path:
        """Where every account's directory and lock are."""
        return self.paths.state / "sessions"

    @property
    def quarantine(self) -> Path:
        """Where sessions are kept for a while that were moved aside."""
        return self.paths.state / "quarantine"

    @property
    def session_directory(self) -> Path:
        """Where this account's keys and link state live."""
        return self.sessions / self.account.user_id

    @property
    def session_store(self) -> Path:
        """The client library's own database."""
        return self.session_directory / STORE

    @property
    def spool(self) -> Path:
        """Messages that the database does not have yet."""
        return self.session_directory / SPOOL

    @property
    def wake_file(self) -> Path:
        """Touched by a command that has put something into the outbox."""
        return self.session_directory / WAKE

    @property
    def media_directory(self) -> Path:
        """Received files, as long as somebody has to read them."""
        return self.session_directory / MEDIA

    @property
    def session_lock(self) -> Path:
        """The lock of whoever owns the session."""
        return lock_file(self.sessions, self.account.user_id)
