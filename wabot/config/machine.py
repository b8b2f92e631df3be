"""The configurations of this machine, one file for each number, and the environment of each in its unit."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from wabot.clock import configure_zone
from wabot.config.load import find_configuration, load_settings
from wabot.config.settings import AccountSettings, Settings
from wabot.config.toml_file import read_toml
from wabot.errors import ConfigError
from wabot.privileges.remembered_files import list_directory, read_file
from wabot.system.units import CONFIGURATIONS, CREDENTIALS, STATE

_CREDENTIAL_STORES = (CREDENTIALS, Path("/run/credstore"))
_LARGEST_FILE_BYTES = 100_000


def unit_environment(
    file: Path | None, environ: Mapping[str, str], stores: tuple[Path, ...] = _CREDENTIAL_STORES
) -> dict[str, str]:
    """The environment with what the unit of this configuration would have besides.

    That is NAME.env beside the configuration NAME.toml; as the units are shipped, the state directory for a
    configuration in /etc/wabot, and files NAME.CREDENTIAL in systemd's store. What this user may not read is
    left out, and what the environment has already wins. Inside a unit nothing is added.

    Args:
        file: the configuration, None when there is none.
        environ: the process environment.
        stores: where systemd looks for credentials.
    """
    if file is None or not file.name or "CREDENTIALS_DIRECTORY" in environ or "STATE_DIRECTORY" in environ:
        return dict(environ)
    found = _read_environment(file.with_suffix(".env"))
    if file.parent == CONFIGURATIONS and STATE.is_dir():
        found["STATE_DIRECTORY"] = str(STATE)
    for store in stores:
        for path in _credentials(store, file.stem):
            secret = _read(path)
            if secret is not None:
                variable = re.sub(r"[.-]", "_", path.name.removeprefix(f"{file.stem}.")).upper()
                found.setdefault(variable, secret.strip())
    return {**found, **environ}


def settings_in_unit(
    file: Path | None,
    environ: Mapping[str, str],
    *,
    all_secrets: bool = True,
    sections: Collection[str] | None = None,
    tolerated: list[str] | None = None,
) -> Settings:
    """The settings as the unit's own process reads them; see `load_settings`."""
    found = find_configuration(file, environ)
    environ = unit_environment(found, environ)
    settings = load_settings(found, environ, all_secrets=all_secrets, sections=sections, tolerated=tolerated)
    configure_zone(settings.account.zone)
    return settings


def _credentials(store: Path, name: str) -> list[Path]:
    try:
        return [path for path in list_directory(store) if path.name.startswith(f"{name}.")]
    except OSError:
        return []


def _read_environment(path: Path) -> dict[str, str]:
    """The variables in a file as systemd's EnvironmentFile= takes it, without continued lines."""
    variables = {}
    for line in (_read(path) or "").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            value = value.strip()
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            variables[name] = value[1:-1] if quoted else value
    return variables


def _read(path: Path) -> str | None:
    try:
        return read_file(path, _LARGEST_FILE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


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
