"""Finds the secrets that the configuration only refers to: systemd's credentials, the environment, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wabot.system.files import read_plain
from wabot.system.masking import redact
from wabot.system.units import CREDENTIALS

OF_THE_UNITS = ("ai-api-key", "database-url", "webhook-url", "webhook-secret", "smtp-url")
"""The credentials that the units load, as they are shipped."""


class MissingSecret(str):
    """A secret that is not at hand here, though it may be where the service runs."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the secrets of one configuration are.

    Attributes:
        environ: where systemd names the directory of credentials; a variable may stand in for a credential.
        name: of the configuration; the file of a credential begins with it.
    """

    environ: Mapping[str, str] = field(repr=False)
    name: str = "wabot"

    def resolve(self, key: str, reference: str, problems: list[str]) -> str:
        """The secret that credential:NAME, env:NAME or file:PATH stands for, never to be logged from now on.

        Args:
            key: the setting, for people.
            reference: what the configuration says; the secret itself never stands there.
            problems: gets a line when the secret cannot be had.

        Returns:
            The secret, or "".
        """
        secret = self._look_up(key, reference, problems)
        redact(secret)
        return secret

    def _look_up(self, key: str, reference: str, problems: list[str]) -> str:
        kind, _, name = reference.partition(":")
        if kind == "env" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,100}", name):
            if not self.environ.get(name):
                problems.append(MissingSecret(f"{key}: the environment variable {name} is not set"))
            return self.environ.get(name, "")
        if kind == "credential" and re.fullmatch(r"[A-Za-z0-9._-]{1,255}", name):
            return self._credential(key, name, problems)
        if kind == "file" and name:
            return _read_secret(key, Path(name), problems)
        problems.append(f"{key} = ***: allowed is credential:NAME, env:NAME or file:PATH")
        return ""

    def _credential(self, key: str, name: str, problems: list[str]) -> str:
        directory = self.environ.get("CREDENTIALS_DIRECTORY", "")
        if directory and (Path(directory) / name).is_file():
            return _read_secret(key, Path(directory) / name, problems)
        variable = re.sub(r"[.-]", "_", name).upper()
        if self.environ.get(variable):
            return self.environ[variable]
        file = f"{self.name}.{name}"
        unit = "" if name in OF_THE_UNITS else f" with LoadCredential={name}:{file} in the unit"
        text = (
            f"{key}: no credential {name}; it belongs into {CREDENTIALS / file}{unit} (sudo install -m 600 "
            f"/dev/stdin {CREDENTIALS / file}, type it, Enter, Ctrl-D), or into ${variable}"
        )
        problems.append(MissingSecret(text))
        return ""


def _read_secret(key: str, path: Path, problems: list[str]) -> str:
    try:
        return read_plain(path.expanduser(), 20_000, through_links=True).decode("utf-8").strip()
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError:
        why = "not a text"
    except RuntimeError:
        why = "there is no such user"
    problems.append(MissingSecret(f"{key}: {path} cannot be read: {why}"))
    return ""
