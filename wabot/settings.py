"""Every setting, with its default, its bounds and its meaning; the README's table is made from this."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wabot.brain import BrainSettings, ProviderSettings
from wabot.setting_types import (
    boolean,
    choice,
    duration,
    email_address,
    email_addresses,
    integer,
    number,
    opening_hours,
    path,
    setting,
    text,
    texts,
    time_zone,
    words,
)

# neonize 0.5.2 puts the path of its store unescaped into an SQLite URI: "?" ends it, "#" cuts it,
# "%20" is decoded.
SAFE_PATH = r"[A-Za-z0-9._/-]+"
# The session's lock file is called like the session, with ".lock" at the end.
USER_ID = r"(?!.*\.lock$)[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_TABLE = text(
    pattern=r'([^".]{1,63}\.)?[^".]{1,63}', allowed="the name of a table, or SCHEMA.TABLE, without quotes"
)


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Whose number this is."""

    user_id: str = setting(
        text(pattern=USER_ID, allowed="letters, digits, '.', '_' and '-'"),
        "default",
        "the user in the table `users` this number belongs to; also the name of the session",
    )
    language: str = setting(
        choice("es", "en", "pt"), "es", "language of the bot's own texts when a customer's cannot be told"
    )
    timezone: str = setting(
        time_zone(), "", 'where the business is, as "Europe/Madrid"; empty = the zone of the machine'
    )


@dataclass(frozen=True, slots=True)
class PathSettings:
    """Where wabot keeps what it must not lose."""

    state: Path = setting(
        path(),
        Path(),
        "sessions and the SQLite database; default $STATE_DIRECTORY, else ~/.local/state/wabot",
    )


@dataclass(frozen=True, slots=True)
class TableSettings:
    """What the tables of an existing application are called, in just these letters."""

    users: str = setting(_TABLE, "users", "the application's users; only read")
    connections: str = setting(
        _TABLE, "whatsapp_connections", "where the application's dashboard looks for the state of each number"
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where wabot stores."""

    url: str = setting(
        text(longest=2000),
        "",
        "sqlite:///PATH or postgresql://…, also credential:NAME, env:NAME or file:PATH; "
        "default wabot.db in the state directory",
        secret=True,
    )
    qr_format: str = setting(
        choice("raw", "data-url"), "raw", 'how a pairing code is written for a dashboard; "data-url" is a PNG'
    )
    tables: TableSettings = field(default_factory=TableSettings)


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How patient the link is."""

    connect_timeout: float = setting(
        duration(1, 600), 60.0, "from a dial to connected; past it a fresh dial, past a second one exit 75"
    )
    pairing_timeout: float = setting(duration(5, 160), 160.0, "how long the QR waits to be scanned")
    reconnect_timeout: float = setting(
        duration(5, 3600), 360.0, "how long WhatsApp's own redialling is waited for before a fresh dial"
    )
    send_timeout: float = setting(
        duration(1, 600),
        90.0,
        "how long one send may take; past it the link is dialled afresh, which frees the send",
    )
    refusal_pause: float = setting(
        duration(0.1, 7200),
        300.0,
        "pause after a refused login; the second is 3 times, the third and last 12 times as long",
    )
    max_unstable_cycles: int = setting(
        integer(0, 100_000),
        3,
        "connections in a row that fall within a minute before the link rests; 0 = never",
    )
    on_unstable: str = setting(
        choice("cooldown", "stop"), "cooldown", "rest and try again, or end with exit 77"
    )
    cooldown: float = setting(duration(1, 7200), 900.0, "the first rest; it doubles up to two hours")
    keepalive_interval: float = setting(
        duration(1, 600), 30.0, "how often the client library is asked for a sign of life"
    )
    presence: str = setting(
        choice("unavailable", "available"), "unavailable", '"available" mutes the owner\'s phone'
    )
    proxy: str = setting(
        text(pattern=r"((https?|socks5)://\S+)?", allowed="an http, https or socks5 address"),
        "",
        "proxy for the link to WhatsApp",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class AiSettings:
    """What the bot knows and how it speaks."""

    providers: tuple[ProviderSettings, ...] = field(default=(), metadata={"meaning": "tried in order"})
    system_prompt_file: Path | None = setting(path(), None, "the persona; read again when it changes")
    knowledge: Path = setting(
        path(), Path("/etc/wabot/knowledge"), "folder of Markdown files; read again when they change"
    )
    history_messages: int = setting(integer(0, 200), 20, "how much of a chat the model sees")
    history_max_age: float = setting(
        duration(0, 31_536_000), 86_400.0, "older messages are not shown to the model"
    )


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """How replies are made and sent."""

    workers: int = setting(
        integer(1, 64), 4, "chats answered at the same time; as many again help out while a model is slow"
    )
    debounce: float = setting(duration(0, 60), 2.0, "silence to wait for, so that a burst gets one answer")
    max_age: float = setting(duration(1, 2_592_000), 900.0, "older messages are kept but not answered")
    max_length: int = setting(integer(50, 60_000), 4000, "characters in one message")
    max_parts: int = setting(integer(1, 20), 3, "messages one answer may take")
    per_chat_per_hour: int = setting(
        integer(0, 100_000), 60, "messages to one chat in any hour; what is more waits; 0 = no limit"
    )
    per_minute: int = setting(
        integer(0, 100_000),
        20,
        "messages to everybody in any minute; what is more waits; 0 = no limit, which is the default where "
        "typing = false",
    )
    in_doubt: str = setting(
        choice("resend", "hold"),
        "resend",
        "a reply that may have left when the link was cut, and that no phone confirms: send it once more, "
        "which may show it twice, or hold it back, which may lose it",
    )
    typing: bool = setting(
        boolean(), True, 'show "typing…" and keep a human pace; false = as fast as possible'
    )
    delay_message: float = setting(
        duration(0, 60), 1.0, "pause before a message goes out, counted from arrival"
    )
    time_per_char: float = setting(number(0, 1), 0.03, "seconds of typing per character, up to 20 s in all")


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """Whom the bot answers."""

    groups: str = setting(choice("off", "mention", "all"), "off", "groups: never, when mentioned, always")
    allow: tuple[str, ...] = setting(
        texts(), (), "only these phone numbers or LIDs, * as wildcard; empty = all"
    )
    deny: tuple[str, ...] = setting(texts(), (), "never these")
    trigger_type: str = setting(
        choice("all", "keyword", "regex"), "all", "what a chat is begun by: any message, a word, a pattern"
    )
    trigger_operator: str = setting(
        choice("contains", "equals", "starts_with", "ends_with"), "contains", "how a word has to stand there"
    )
    trigger_values: tuple[str, ...] = setting(texts(), (), "the words or the patterns; any of them is enough")
    expire: float = setting(
        duration(0, 2_592_000), 18_000.0, "a chat once begun goes on without the word until it rests so long"
    )
    loop_ceiling: int = setting(
        integer(0, 100_000),
        30,
        "answers to one chat in an hour; more than that is another bot, and the chat rests an hour; "
        "0 = off, and loop_repetitions with it",
    )
    loop_repetitions: int = setting(
        integer(0, 50), 10, "the same message answered so often in an hour is another bot, too; 0 = off"
    )
    handover_pause: float = setting(
        duration(0, 31_536_000), 43_200.0, "how long the bot keeps quiet in a chat where the owner wrote"
    )
    pause_words: tuple[str, ...] = setting(
        words(), ("#bot off",), "the owner's message of just this silences the bot in that chat"
    )
    resume_words: tuple[str, ...] = setting(
        words(), ("#bot on",), "the owner's message of just this lets it answer there again"
    )
    status_words: tuple[str, ...] = setting(
        words(),
        ("#bot status",),
        "and this asks how things stand; the owner is told in their chat with themselves",
    )
    escalation_words: tuple[str, ...] = setting(
        words(), (), "a customer's message with one of these is left to a person, and the chat is paused"
    )
    opt_out_words: tuple[str, ...] = setting(
        words(), ("baja", "stop"), "a message of just this word ends all writing to its sender"
    )
    opt_in_words: tuple[str, ...] = setting(
        words(), ("alta", "start"), "a message of just this word begins it again"
    )
    business_hours: tuple[str, ...] = setting(
        opening_hours(), (), 'when the bot answers, as "mon-fri 09:00-18:00"; empty = always'
    )
    away_text: str = setting(
        text(), "", "said once while it is closed; empty = a sentence in the customer's language"
    )


@dataclass(frozen=True, slots=True)
class JanitorSettings:
    """What the janitor takes for old."""

    disconnected_after: float = setting(
        duration(0, 31_536_000), 86_400.0, "rows and sessions without a link are removed when older"
    )
    quarantine_days: int = setting(
        integer(1, 3650), 30, "how long a session directory that was moved aside is kept"
    )
    history_days: int = setting(integer(1, 36_500), 90, "how long messages are kept")


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How the owner learns that something is wrong."""

    webhook_url: str = setting(
        text(
            longest=2000,
            pattern=r"((https?://|credential:|env:|file:)\S+)?",
            allowed="an http or https address, or credential:NAME, env:NAME or file:PATH",
        ),
        "",
        "web address that gets each alert as JSON",
        secret=True,
    )
    webhook_secret: str = setting(
        text(
            longest=2000,
            pattern=r"((credential:|env:|file:)\S+)?",
            allowed="credential:NAME, env:NAME or file:PATH",
        ),
        "",
        "signs what the web address gets, as the Standard Webhooks specification says",
        secret=True,
    )
    smtp_url: str = setting(
        text(
            longest=2000,
            pattern=r"((smtps?://|credential:|env:|file:)\S+)?",
            allowed="smtps://… or smtp://USER:PASSWORD@HOST:PORT, or credential:NAME, env:NAME or file:PATH",
        ),
        "",
        "mail server; smtp:// demands STARTTLS",
        secret=True,
    )
    sender: str = setting(
        email_address(), "", "where e-mails come from; default the user of smtp_url, else the first of to"
    )
    to: tuple[str, ...] = setting(email_addresses(), (), "who gets the e-mails")
    offline_after: float = setting(
        duration(10, 86_400), 600.0, "how long WhatsApp may be out of reach before that is worth an alert"
    )


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
    janitor: JanitorSettings = field(default_factory=JanitorSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    source: str = "no file: all defaults"

    @property
    def brain(self) -> BrainSettings:
        """What the brain is told."""
        return BrainSettings(
            providers=self.ai.providers,
            persona_file=self.ai.system_prompt_file,
            knowledge_folder=self.ai.knowledge,
            history_messages=self.ai.history_messages,
            history_max_age_seconds=self.ai.history_max_age,
            max_length=self.replies.max_length,
            max_parts=self.replies.max_parts,
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
        return self.session_directory / "whatsapp.db"

    @property
    def session_lock(self) -> Path:
        """The lock of whoever owns the session; beside the directory, which may then be moved aside."""
        return self.sessions / f"{self.account.user_id}.lock"
