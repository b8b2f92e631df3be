"""The texts in a backup, and where they may be put: for root, a manifest decides nothing.

Whoever wrote the backup would have root write where they want. So for root the configuration that is in force
says where the state and the texts are; without one, that is /etc/wabot, or the backup has to be root's own.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from wabot.backup.make import CONFIGURATION, KNOWLEDGE, PERSONA
from wabot.backup.manifest import Manifest, checksum, checksums
from wabot.config.load import load_settings
from wabot.config.machine import settings_in_unit, unit_environment
from wabot.config.toml_file import read_toml
from wabot.errors import ConfigError, OperatorNeeded
from wabot.privileges import root_helper
from wabot.privileges.become_owner import ROOT, Owner, owner_of, require_roots_own
from wabot.system.files import open_plain, sync
from wabot.system.units import CONFIGURATIONS

_LOOK, _PUT = "look at a text", "put a text back"
_SETTINGS = {PERSONA: "system_prompt_file", KNOWLEDGE: "knowledge"}


@dataclass(frozen=True, slots=True)
class Text:
    """A file or a folder on its way back.

    Attributes:
        saved: in the backup.
        place: where it stood.
        aside: where to move what stands there now.
        mode: who might read it there, where that is known.
        group: the service's, for what has no like there; None for that of the directory it is in.
    """

    saved: Path
    place: Path
    aside: Path
    mode: int | None
    group: int | None

    def is_as_saved(self) -> bool:
        """Whether it stands in its place just as it was saved."""
        if self.saved.is_dir():
            return self.place.is_dir() and _seen(checksums(self.place)) == checksums(self.saved)
        return self.place.is_file() and checksum(self.place) == checksum(self.saved)

    def put(self) -> None:
        """Put it in its place; whatever happens meanwhile, it or what stood there is whole.

        Raises:
            OSError: the disk does not take it.
        """
        self.place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = self.place.with_name(f".{self.place.name}.restoring")
        if fresh.is_dir() and not fresh.is_symlink():
            shutil.rmtree(fresh)
        else:
            fresh.unlink(missing_ok=True)
        if self.saved.is_dir():
            shutil.copytree(self.saved, fresh, copy_function=_copy)
        else:
            _copy(self.saved, fresh)
        made = [fresh, *(fresh.rglob("*") if fresh.is_dir() else ())]
        for path in made:
            self._give(path, self.place / path.relative_to(fresh))
        sync(*made)
        if os.path.lexists(self.place):
            self.place.rename(self.aside)
        fresh.rename(self.place)
        sync(self.place.parent)

    def _give(self, made: Path, replaced: Path) -> None:
        """Let the same people read it as what it replaces; in /etc/wabot those are the service's group."""
        try:
            found = replaced.lstat()
        except OSError:
            found = None
        is_directory = made.is_dir()
        if found is not None and stat.S_IFMT(found.st_mode) == stat.S_IFMT(made.lstat().st_mode):
            owner, group, mode = found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode) & 0o777
        else:
            around = self.place.parent.stat()
            owner, group = around.st_uid, around.st_gid if self.group is None else self.group
            mode = stat.S_IMODE(around.st_mode) & 0o750 if self.mode is None else self.mode & 0o755
            if self.group is not None:
                mode |= stat.S_IRGRP
            # Who may read a folder may enter it.
            mode = mode | (mode & 0o444) >> 2 if is_directory else mode & 0o644
        if os.geteuid() == 0:
            os.chown(made, owner, group, follow_symlinks=False)
        made.chmod(mode)


def _seen(files: dict[str, str]) -> dict[str, str]:
    """The files that a backup takes along, without what is hidden."""
    return {name: digest for name, digest in files.items() if "/." not in f"/{name}"}


def _copy(saved: str | Path, place: str | Path) -> None:
    # "x": never through a link that somebody put there.
    with os.fdopen(open_plain(saved), "rb") as source, Path(place).open("xb") as target:
        shutil.copyfileobj(source, target)


class SavedTexts:
    """The texts of one backup.

    Args:
        backup: its directory, for people.
        source: where its files are.
        manifest: as `read_manifest` found it.
        place: where the configuration is to stand, None to leave that to the manifest.
        now: naive UTC; the mark of what is moved aside.

    Attributes:
        places: where each is to stand.
    """

    def __init__(
        self, backup: Path, source: Path, manifest: Manifest, place: Path | None, now: datetime
    ) -> None:
        self._backup = backup
        self._source = source
        self._modes = manifest.modes
        self._is_named = place is not None
        self._now = now
        self.places = {name: Path(there) for name, there in manifest.places.items()}
        if place is not None and CONFIGURATION in self.places:
            self.places[CONFIGURATION] = place
        self._configuration = place or self.places.get(CONFIGURATION)
        self._done_by: dict[str, Owner] = {}
        self._refusals: dict[str, str] = {}
        self._group: int | None = None
        self._looked_at: dict[str, Text] = {}

    @property
    def tasks(self) -> Mapping[str, root_helper.Task]:
        """What root does where the place is root's."""
        return {_LOOK: self._look, _PUT: self._put}

    def judge(self, environ: Mapping[str, str], *, with_texts: bool) -> Path | None:
        """Find out, for root, which state this is about, and who may put which text back.

        Args:
            environ: the process environment.
            with_texts: whether they are to be put back.

        Returns:
            The state directory; None where no configuration is known.

        Raises:
            OperatorNeeded: the backup would decide what only a configuration may.
        """
        file = self._configuration
        if file is None:
            return None
        is_own = self._is_roots_own()
        if not self._is_named and not is_own and (file.parent != CONFIGURATIONS or file.suffix != ".toml"):
            raise OperatorNeeded(
                f"the configuration in {self._backup} stood in {file}, and root puts one back there only if "
                f"you say so: --config {file}"
            )
        state = self._state_in_force(file, environ)
        saved = self._saved_state(file, environ) if with_texts and CONFIGURATION in self.places else None
        if state is None and is_own:
            state = saved
        if state is None:
            raise OperatorNeeded(
                f"there is no configuration {file} that can be used, and a backup that is not root's own "
                f"does not decide where the state is: look at {self._backup / CONFIGURATION}, copy it to "
                f"{file} yourself, then repeat this"
            )
        if saved is not None and saved != state:
            raise OperatorNeeded(
                f"the configuration in {self._backup} keeps its state in {saved}, and here it is in {state}: "
                f"if that is to change, set paths.state in {file} first; with --database-only, only the "
                "database is put back"
            )
        owner = owner_of(state)
        self._group = None if owner == ROOT else owner.gid
        if with_texts:
            for name, there in self.places.items():
                self._judge_place(name, there, owner, is_free=is_own and not file.exists())
        return state

    def changes(self) -> dict[str, str]:
        """What would be put back, because it is not there as it was saved: a sentence for each.

        Raises:
            OperatorNeeded: one of them may not be put where it stood.
        """
        sentences = {}
        for name, place in self.places.items():
            is_as_saved, becomes = self._do(_LOOK, name)
            if is_as_saved:
                continue
            if name in self._refusals:
                raise OperatorNeeded(self._refusals[name])
            moving = f"; the one there now becomes {becomes}" if becomes else ""
            sentences[name] = f"put {place} back{moving}"
        return sentences

    def put(self, name: str) -> None:
        """Put one of the texts back."""
        self._do(_PUT, name)

    def _do(self, task: str, name: str) -> Any:
        if self._done_by.get(name) == ROOT:
            return root_helper.do(task, name=name)
        return self.tasks[task](name=name)

    def _look(self, name: str) -> tuple[bool, str]:
        """Whether it stands there as it was saved, and what becomes of what does stand there."""
        place = self.places[name]
        text = Text(
            self._source / name, place, free_name(place, self._now), self._modes.get(name), self._group
        )
        self._looked_at[name] = text
        return text.is_as_saved(), text.aside.name if os.path.lexists(place) else ""

    def _put(self, name: str) -> None:
        if name in self._refusals:
            raise OperatorNeeded(self._refusals[name])
        self._looked_at[name].put()

    def _is_roots_own(self) -> bool:
        """Whether nobody but root can have written the backup."""
        try:
            require_roots_own(self._backup)
        except OperatorNeeded:
            return False
        return True

    def _state_in_force(self, file: Path, environ: Mapping[str, str]) -> Path | None:
        try:
            if file.exists() and (file.parent == CONFIGURATIONS or "paths" in read_toml(file)):
                return settings_in_unit(file, environ, all_secrets=False, sections=("paths",)).paths.state
        except ConfigError:
            # Perhaps the very reason for the restore.
            pass
        if file.parent != CONFIGURATIONS:
            return None
        state = unit_environment(file, environ).get("STATE_DIRECTORY", "").split(":")[0]
        return Path(state) if state else None

    def _saved_state(self, file: Path, environ: Mapping[str, str]) -> Path:
        environ = unit_environment(file, environ)
        saved = self._source / CONFIGURATION
        return load_settings(saved, environ, all_secrets=False, sections=("paths",), place=file).paths.state

    def _judge_place(self, name: str, place: Path, owner: Owner, *, is_free: bool) -> None:
        """Find out who puts a text back, or why nobody does."""
        if not is_free and not self._is_in_force(name, place):
            self._refusals[name] = (
                f"{self._backup} has a {name} of {place}, and {self._configuration} does not name that "
                f"place: set ai.{_SETTINGS.get(name, 'knowledge')} there first if it is right, or copy it by "
                "hand; with --database-only, only the database is put back"
            )
            return
        owner_there = owner_of(place.parent)
        if owner_there not in (ROOT, owner):
            self._refusals[name] = (
                f"{place.parent} belongs neither to root nor to the user of the bot: copy "
                f"{self._backup / name} there by hand, and use --database-only for the rest"
            )
        self._done_by[name] = owner_there

    def _is_in_force(self, name: str, place: Path) -> bool:
        if name == CONFIGURATION:
            return True
        if name not in _SETTINGS or Path(os.path.normpath(place)) != place or not place.is_absolute():
            return False
        file = self._configuration
        if file is not None and file.exists():
            try:
                named = read_toml(file).get("ai", {}).get(_SETTINGS[name])
            except (ConfigError, AttributeError):
                named = None
            if isinstance(named, str) and Path(named).expanduser() == place:
                return True
        hidden = any(part.startswith(".") for part in place.parts)
        is_other = place.suffix in (".toml", ".env") or place == CONFIGURATIONS
        return place.is_relative_to(CONFIGURATIONS) and not hidden and not is_other


def free_name(place: Path, now: datetime) -> Path:
    """The name that what stands in a place gets; nothing has it yet."""
    name = f"{place.name}.replaced-{now:%Y%m%dT%H%M%SZ}"
    names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(free for free in map(place.with_name, names) if not os.path.lexists(free))
