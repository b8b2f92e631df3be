"""The one rule of commands that root types: be the owner of the state before anything below it is touched.

`cli` follows it for every command. What must be done as root a command says beforehand, as its `RootNeeds`;
what root has read of configurations and credentials is remembered.
"""

from __future__ import annotations

import os
import pkgutil
import stat
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path

import wabot
from wabot.config.machine import settings_in_unit, unit_environment
from wabot.errors import ConfigError
from wabot.privileges import root_helper
from wabot.privileges.become_owner import ROOT, Owner, become, become_owner_of, owner_of, require_roots_own
from wabot.privileges.remembered_files import forget, read_file, remembering
from wabot.privileges.root_queries import FIND_PROCESSES, SHOW_UNIT, processes_here, show_unit_here

# In these the client library is loaded, or nothing is for a command.
_NOT_LOADED_AHEAD = (
    "wabot.emulator",
    "wabot.trials",
    "wabot.handbook",
    "wabot.database.migrations",
    "wabot.whatsapp.client",
    "wabot.__main__",
    "wabot.whatsapp.lean_import",
)


@dataclass(frozen=True, slots=True)
class RootNeeds:
    """What one command is about, and what it needs root for.

    Attributes:
        file: its configuration, None when there is none.
        state: its state directory, None where the configuration says it.
        tasks: what is done by root, or by `done_by`.
        done_by: the user who does them, None for root.
        readable: a directory of root's that the owner of the state may read.
        at_end: what is done at last, by whoever does the tasks.
        may_ask: whether it may ask systemd, or which processes there are.
    """

    file: Path | None
    state: Path | None = None
    tasks: Mapping[str, root_helper.Task] = field(default_factory=dict)
    done_by: Owner | None = None
    readable: Path | None = None
    at_end: Callable[[], None] = lambda: None
    may_ask: bool = True


@contextmanager
def left_root(needs: RootNeeds) -> Iterator[None]:
    """Become the owner of the state for good, where this is root, for the block and after it.

    Raises:
        OperatorNeeded: somebody could lead root astray on the way to the state.
    """
    try:
        if os.geteuid() == 0:
            _leave(needs)
        else:
            root_helper.lend(needs.tasks, needs.at_end)
        yield
    finally:
        root_helper.end()
        forget()


def _leave(needs: RootNeeds) -> None:
    with remembering():
        state = needs.state or _state_of(needs.file)
        _read_ahead(needs.file)
    # Without a configuration that can be used there is no state: the command says so.
    owner = owner_of(state) if state else ROOT
    if state and owner == ROOT and needs.file is not None and needs.file.exists():
        require_roots_own(needs.file)
    if owner != ROOT:
        if needs.readable is not None:
            _show(needs.readable, owner.gid)
        if not _is_program_open():
            _load_ahead()
    tasks = dict(needs.tasks)
    if needs.may_ask and not needs.done_by:
        tasks |= {SHOW_UNIT: show_unit_here, FIND_PROCESSES: processes_here}
    if owner == (needs.done_by or ROOT) or not tasks:
        root_helper.lend(needs.tasks, needs.at_end)
    else:
        be_first = partial(become, needs.done_by) if needs.done_by else lambda: None
        root_helper.leave(tasks, be_first, needs.at_end)
    if state:
        become_owner_of(state)


def _show(directory: Path, group: int) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, 0, group)
        path.chmod(0o750 if path.is_dir() else 0o640)


def _state_of(file: Path | None) -> Path | None:
    """The state directory by a configuration, also by one with mistakes; None where it says none."""
    try:
        return settings_in_unit(
            file, os.environ, all_secrets=False, sections=("paths",), tolerated=[]
        ).paths.state
    except ConfigError:
        return None


def _read_ahead(file: Path | None) -> None:
    """Read all that the units of this configuration and of those beside it would be given."""
    if file is None:
        return
    for each in {file, *file.absolute().parent.glob("*.toml")}:
        unit_environment(each, os.environ)
        with suppress(OSError):
            read_file(each, 1)


def _is_program_open() -> bool:
    """Whether every user may read this program: one in root's home nobody else can load more of."""
    package = Path(wabot.__file__).parent
    directories = {package, Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))}
    return all(
        place.stat().st_mode & stat.S_IXOTH
        for directory in directories
        for place in (directory, *directory.resolve().parents)
    )


def _load_ahead() -> None:
    for module in pkgutil.walk_packages(wabot.__path__, "wabot."):
        if not module.name.startswith(_NOT_LOADED_AHEAD):
            import_module(module.name)
