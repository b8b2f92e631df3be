"""A bot with something to lose: what a backup has to hold, and a restore to bring back."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support import REPOSITORY
from tests.support.session_directories import make_session
from wabot.application.users import require_user
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Outbound, Session
from wabot.inbound.lost_messages import StoreCursor, save_mark

NOW = datetime(2026, 11, 22, 10, 0, 0)
ANA = "34600111222"


class Bot:
    """A bot that ran before: its configuration, its texts, its database, its session."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.backups = home / "backups"
        self.configuration = home / "wabot.toml"
        self.knowledge = home / "knowledge"
        self.state = home / "state"
        self.knowledge.mkdir()
        (self.knowledge / "prices.md").write_text("# Prices\nShipping is 5 euros.\n")
        (self.knowledge / "more").mkdir()
        (self.knowledge / "more" / "hours.md").write_text("# Hours\nAlways.\n")
        (self.knowledge / ".draft.md").write_text("not yet")
        (home / "persona.txt").write_text("Be brief.")
        self.configuration.write_text(
            f'[account]\nuser_id = "ana"\n[paths]\nstate = "{self.state}"\n[database]\nurl = "{url}"\n'
            f'[ai]\nknowledge = "{self.knowledge}"\nsystem_prompt_file = "{home}/persona.txt"\n'
        )
        self.state.mkdir(mode=0o700)
        make_session(self.state / "sessions", "ana", linked=True, used_at=NOW)
        opened = open_database(url)
        migrate(opened)
        if url.startswith("postgresql"):
            opened.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
            opened.execute_sql("INSERT INTO users VALUES ('ana')")
        require_user(opened, "ana")
        Session.create(user_id="ana", state="connected", qr="2@abc", updated_at=NOW)
        save_mark("ana", StoreCursor("device", 7, NOW))
        opened.close()
        self.write("before")

    def write(self, text: str, state: str = "pending", user_id: str = "ana") -> None:
        """Store a message to send."""
        opened = open_database(self.url)
        chat, _ = Chat.get_or_create(
            user_id=user_id, contact=ANA, defaults={"jid": f"{ANA}@s.whatsapp.net", "created_at": NOW}
        )
        Outbound.create(
            user_id=user_id, chat=chat, text=text, secret=b"", created_at=NOW, not_before=NOW, state=state
        )
        opened.close()

    def texts(self) -> dict[str, str]:
        """The messages to send, and the state of each."""
        opened = open_database(self.url)
        found = {row.text: row.state for row in Outbound.select().order_by(Outbound.id)}
        opened.close()
        return found

    def says(self) -> tuple[str, str, str | None]:
        """What the database says the bot is doing, and why."""
        opened = open_database(self.url)
        session = Session.get()
        opened.close()
        # No end before this one is without a word: see `wabot.privileges.root_queries`.
        assert utc_now() - session.updated_at < timedelta(minutes=1)
        return session.state, session.reason, session.qr

    def run(self, *arguments: str) -> int:
        """A command with this bot's configuration."""
        return main([*arguments, "--config", str(self.configuration)])

    def backup(self, *options: str) -> Path:
        """Make a backup; the newest there is."""
        assert self.run("backup", str(self.backups), *options) == 0
        return max(self.backups.iterdir())


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wabot", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def beside(bot: Bot, database: str) -> Path:
    """A second number with the same state directory, `ben`, and its lock."""
    text = bot.configuration.read_text().replace('"ana"', '"ben"').replace(bot.url, database)
    (bot.home / "other.toml").write_text(text)
    return bot.state / "sessions" / "ben.lock"
