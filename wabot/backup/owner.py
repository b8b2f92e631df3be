"""Sees that a backup is put back for the number it is of, and not over another one's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wabot.backup.make import CONFIGURATION
from wabot.backup.manifest import Manifest
from wabot.config.machine import is_example, read_configuration
from wabot.config.settings import Settings
from wabot.errors import OperatorNeeded
from wabot.system.units import command


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
