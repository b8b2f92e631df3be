"""What systemd gives a bot's unit, for the commands that an operator types in a shell.

Without it `wabot status` would look for the state in the operator's home directory, and could not open a
database whose address is a credential.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from wabot.clock import configure_zone
from wabot.config.load import find_configuration, load_settings
from wabot.config.settings import Settings
from wabot.privileges.remembered_files import list_directory, read_file

_CONFIGURATIONS = Path("/etc/wabot")
_STATE = Path("/var/lib/wabot")
_CREDENTIAL_STORES = (Path("/etc/credstore"), Path("/run/credstore"))
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
    if file.parent == _CONFIGURATIONS and _STATE.is_dir():
        found["STATE_DIRECTORY"] = str(_STATE)
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
