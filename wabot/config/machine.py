"""The other configurations of this machine: one file for each number, side by side in one directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wabot.config.settings import AccountSettings, Settings
from wabot.config.toml_file import read_toml
from wabot.config.unit_environment import settings_in_unit
from wabot.errors import ConfigError

_DEFAULT_NAME = "wabot"
_SECTIONS = frozenset(field.name for field in dataclasses.fields(Settings)) - {"file"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """One configuration file.

    Attributes:
        name: of the session: the file's, without its ending.
        settings: None when it cannot be used.
        problem: why not.
        user_id: whose number it is for, also when the rest is of no use; "" when that cannot be told.
    """

    name: str
    settings: Settings | None
    problem: str = ""
    user_id: str = ""


def configurations(settings: Settings, environ: Mapping[str, str]) -> list[Configuration]:
    """The configuration in use, and after it those in the same directory.

    Files that are no configuration of wabot's are left out. Secrets that are not needed for a look at the
    state may be missing.

    Args:
        settings: what is in use.
        environ: the process environment.
    """
    own = settings.file
    if own is None:
        return [Configuration(_DEFAULT_NAME, settings, user_id=settings.account.user_id)]
    found = [Configuration(own.stem, settings, user_id=settings.account.user_id)]
    for path in sorted(own.parent.glob("*.toml")):
        if not _is_same(path, own):
            configuration = read_configuration(path, environ)
            if configuration is not None:
                found.append(configuration)
    return found


def configuration_files(file: Path | None, environ: Mapping[str, str]) -> list[Path | None]:
    """The file in use, None for none, and after it those beside it that are wabot's, usable or not.

    Args:
        file: what is in use.
        environ: the process environment.
    """
    if file is None:
        return [None]
    beside = (path for path in sorted(file.parent.glob("*.toml")) if not _is_same(path, file))
    return [file, *(path for path in beside if read_configuration(path, environ) is not None)]


def of_the_same_user(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The names of the other configurations for the same user: two bots would fight for one number."""
    own, *others = configurations(settings, environ)
    return [other.name for other in others if other.user_id and other.user_id == own.user_id]


def read_configuration(path: Path, environ: Mapping[str, str]) -> Configuration | None:
    """What stands in a file; None when that is no configuration of wabot's.

    Args:
        path: the file; it need not exist.
        environ: the process environment.
    """
    try:
        document = read_toml(path)
    except ConfigError as error:
        return Configuration(path.stem, None, str(error))
    if not document.keys() & _SECTIONS:
        return None
    try:
        settings = settings_in_unit(path, environ, all_secrets=False)
    except ConfigError as error:
        account = document.get("account")
        user_id = account.get("user_id") if isinstance(account, dict) else None
        return Configuration(path.stem, None, str(error), user_id if isinstance(user_id, str) else "")
    return Configuration(path.stem, settings, user_id=settings.account.user_id)


def is_example(settings: Settings) -> bool:
    """Whether a configuration is as the installer leaves it: for the default user, who never had a bot."""
    return settings.account.user_id == AccountSettings().user_id and not settings.session_directory.exists()


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        # A link that leads nowhere, or to where this user may not look.
        return False
