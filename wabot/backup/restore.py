"""Puts a backup back: looks at all of it first, moves aside what it replaces, and refuses a running bot."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from wabot.backup.make import CONFIGURATION, POSTGRESQL, SESSION, SQLITE
from wabot.backup.manifest import Manifest
from wabot.backup.postgresql import find_tables
from wabot.backup.sqlite import copy_sqlite, move_sqlite
from wabot.backup.texts import SavedTexts, free_name
from wabot.config.load import find_configuration, load_settings
from wabot.config.machine import configurations, is_example, read_configuration, unit_environment
from wabot.config.settings import Settings, lock_file
from wabot.database.address import same_database, sqlite_file
from wabot.database.engine import fresh_database
from wabot.errors import OperatorNeeded
from wabot.link.states import STOPPED, TERMINAL_STATES
from wabot.session.host_lock import require_no_other_machine
from wabot.session.lock import SessionLock
from wabot.session.quarantine import Quarantine
from wabot.session.reset import keep_messages
from wabot.system.files import sync
from wabot.system.units import command
from wabot.whatsapp.store import store_is_newer

# What was waiting to be sent when a running bot was copied has most likely been sent since. It is withdrawn,
# because it does not leave from here; as unsure it would count as not delivered, and nothing would ever
# settle that: its receipt came to the bot that went on.
_AFTER_A_RUNNING_BOT = (
    "UPDATE wabot_outbox SET state = 'withdrawn', error = 'from a backup: most likely sent since' "
    "WHERE state IN ('pending', 'sending', 'in_doubt') AND ({whose});"
)
# Of the other numbers on the database, their own word is all there is.
_OTHERS_THAT_RAN = (
    "user_id IN (SELECT user_id FROM wabot_sessions WHERE user_id <> '{user_id}' AND state NOT IN ({ended}))"
)
# What came since and is not in the inbox was not lost by the client library; without its mark, the search for
# such messages begins anew instead of asking their senders to write again. The time is that of the restore:
# what the last process wrote down when it ended went aside, but it did not end without a word.
_IN_ANY_CASE = (
    "DELETE FROM wabot_facts WHERE key LIKE 'intake:%';"
    "UPDATE wabot_sessions SET state = 'stopped', reason = 'restored from a backup', qr = NULL, "
    "updated_at = '{now}';"
)
_REASON = "wabot restore"


def require_its_own(backup: Path, manifest: Manifest, settings: Settings, environ: Mapping[str, str]) -> None:
    """Make sure that a backup and the place for it are one user's.

    Args:
        backup: its directory.
        manifest: as `read_manifest` found it.
        settings: of the bot as it will be.
        environ: the process environment.

    Raises:
        OperatorNeeded: they are not; with what to do.
    """
    file = settings.file
    for user_id in (settings.account.user_id, _user_of(file, environ) if file else ""):
        if user_id not in ("", manifest.user_id):
            raise OperatorNeeded(
                f"{backup} is of user {manifest.user_id}, and {settings.source} is for {user_id}: "
                f"{_what_to_do(backup, manifest, file)}"
            )


def _user_of(file: Path, environ: Mapping[str, str]) -> str:
    """Whose the configuration is that stands in a place; "" where there is none, or it is nobody's yet."""
    found = read_configuration(file, environ)
    if found is None or (found.settings is not None and is_example(found.settings)):
        return ""
    return found.user_id


def _what_to_do(backup: Path, manifest: Manifest, file: Path | None) -> str:
    place = manifest.places.get(CONFIGURATION)
    if place is None:
        return "name its own configuration with --config"
    if Path(place) != file:
        return f"its own configuration is {place}; {command(f'restore {backup}', Path(place))}"
    return "to have that user's back, move this configuration aside first"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a line for people, and what does it."""

    sentence: str
    do: Callable[[], None]


class Restoration:
    """One backup on its way back.

    Args:
        backup: its directory.
        manifest: as `read_manifest` found it.
        place: where the configuration is to stand, None to leave that to the manifest.
        environ: the process environment.
        now: naive UTC; the mark of everything that is moved aside.
        source: where its files are, if that is a copy.
        texts: puts the texts back, and says which places they may have.

    Attributes:
        numbers: those that use the database and so have to stand still meanwhile, this one first; known once
            it is prepared.
    """

    def __init__(
        self,
        backup: Path,
        manifest: Manifest,
        place: Path | None,
        environ: Mapping[str, str],
        now: datetime,
        source: Path,
        texts: SavedTexts,
    ) -> None:
        self._backup = backup
        self._source = source
        self._manifest = manifest
        self._environ = environ
        self._now = now
        self._texts = texts
        self._configuration = place or texts.places.get(CONFIGURATION)
        self.numbers: list[Settings] = []

    @contextmanager
    def prepared(self, *, with_texts: bool, with_session: bool) -> Iterator[list[Step]]:
        """Hold the locks of all bots that use this database, and say what is to be done.

        Args:
            with_texts: also put configuration, persona and knowledge back.
            with_session: also put the keys of the linked number back.

        Raises:
            SessionInUse: one of the bots is running.
            OperatorNeeded: the backup does not fit here.
            DatabaseAway: the database does not answer.
        """
        settings = self._settings(with_texts=with_texts)
        require_its_own(self._backup, self._manifest, settings, self._environ)
        beside = configurations(settings, self._environ)
        url = settings.database.url
        known = [each.settings for each in beside if each.settings is not None]
        sharing = [each for each in known if same_database(each.database.url, url)]
        self.numbers = [each for each in sharing if each is settings or not is_example(each)]
        # Of a broken configuration nobody knows the database.
        unknown = [each.user_id for each in beside if each.settings is None and each.user_id]
        held = [each.session_lock for each in sharing]
        held += [lock_file(settings.sessions, user_id) for user_id in unknown]
        with ExitStack() as locks:
            for lock in dict.fromkeys(held):
                locks.enter_context(SessionLock(lock).acquire(0))
            steps = [*self._database(settings)]
            if with_session:
                steps += self._session(settings)
            if with_texts:
                # Last, because the configuration says where the rest is.
                steps += [
                    Step(sentence, partial(self._texts.put, name))
                    for name, sentence in self._texts.changes().items()
                ]
            yield steps

    def _settings(self, *, with_texts: bool) -> Settings:
        """The settings of the bot as it will be: who it is, and where its state and database are."""
        file = self._configuration
        is_saved = with_texts and CONFIGURATION in self._texts.places
        source = self._source / CONFIGURATION if is_saved else file
        environ = unit_environment(find_configuration(file, self._environ), self._environ)
        sections = ("account", "paths", "database")
        return load_settings(source, environ, all_secrets=False, sections=sections, place=file)

    def _database(self, settings: Settings) -> list[Step]:
        if not self._manifest.engine:
            return []
        file = sqlite_file(settings.database.url)
        if (file is None) != (self._manifest.engine == "postgresql"):
            raise OperatorNeeded(
                f"{self._backup} has a database of {self._manifest.engine}, and database.url of "
                f"{settings.source} is of another kind"
            )
        corrections = self._corrections(settings.account.user_id) if self._manifest.migrations else ""
        return [
            self._sqlite(file, settings, corrections) if file else self._postgresql(settings, corrections)
        ]

    def _corrections(self, user_id: str) -> str:
        ended = ", ".join(f"'{state}'" for state in (STOPPED, *sorted(TERMINAL_STATES)))
        whose = _OTHERS_THAT_RAN.format(user_id=user_id, ended=ended)
        if self._manifest.running:
            whose += f" OR user_id = '{user_id}'"
        return _AFTER_A_RUNNING_BOT.format(whose=whose) + _IN_ANY_CASE.format(now=self._now)

    def _sqlite(self, file: Path, settings: Settings, corrections: str) -> Step:
        aside = self._aside(file)

        def put() -> None:
            fresh = fresh_database(file)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            copy_sqlite(self._source / SQLITE, fresh, at_rest=True)
            with sqlite3.connect(fresh) as database:
                database.executescript(corrections)
            database.close()
            # Whole, before there is nothing in its place: a bot that starts meanwhile is told of it.
            sync(fresh, file.parent)
            move_sqlite(file, aside)
            fresh.replace(file)
            sync(file.parent)

        return Step(f"put the database {file} back{self._moving(file)}{self._unsent}", put)

    def _postgresql(self, settings: Settings, corrections: str) -> Step:
        tables = find_tables(settings.database.url)
        if tables.schema != self._manifest.schema:
            raise OperatorNeeded(
                f"{self._backup} has tables of the schema {self._manifest.schema}, and database.url leads to "
                f"{tables.schema}: add ?schema={self._manifest.schema} to it"
            )
        tables.require_replaceable()
        require_no_other_machine(settings.database.url, settings.account.user_id)
        aside = self._aside(settings.paths.state / POSTGRESQL)

        def put() -> None:
            if tables.names:
                tables.dump(aside)
                aside.chmod(0o600)
                sync(aside, aside.parent)
            tables.replace(self._source / POSTGRESQL, corrections)

        present = f"; those there now are dumped to {aside}" if tables.names else ""
        return Step(f"put wabot's own tables in schema {tables.schema} back{present}{self._unsent}", put)

    @property
    def _unsent(self) -> str:
        if not self._manifest.running:
            return ""
        return "; replies that were waiting in it are not sent: they most likely were since"

    def _session(self, settings: Settings) -> list[Step]:
        saved, directory = self._source / SESSION, settings.session_directory
        if not saved.exists():
            raise OperatorNeeded(f"{self._backup} has no session: it was made without --session")
        if store_is_newer(saved):
            raise OperatorNeeded(
                f"{self._backup / SESSION} was written by a newer client library than this one"
            )

        def put() -> None:
            fresh = settings.sessions / f".{settings.account.user_id}.restoring"
            fresh.unlink(missing_ok=True)
            copy_sqlite(saved, fresh, at_rest=True)
            sync(fresh)
            if directory.is_dir():
                quarantine = Quarantine(settings.quarantine, settings.sessions)
                entry = quarantine.take(settings.account.user_id, _REASON, self._now)
                keep_messages(settings, entry.session)
            directory.mkdir(mode=0o700, exist_ok=True)
            fresh.replace(settings.session_store)
            sync(directory, settings.sessions)

        present = f"; the one there now moves to {settings.quarantine}" if directory.is_dir() else ""
        return [Step(f"put the session {directory} back{present}", put)]

    def _aside(self, place: Path) -> Path:
        return free_name(place, self._now)

    def _moving(self, place: Path) -> str:
        return f"; the one there now becomes {self._aside(place).name}" if place.exists() else ""
