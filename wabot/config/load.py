"""Finds, reads and checks the configuration; every problem is reported at once."""

from __future__ import annotations

import base64
import dataclasses
import difflib
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wabot.brain.settings import ProviderSettings, TranscriberSettings
from wabot.config.conversation_settings import ENDPOINT_SETTINGS, budget_problems, transcriber_problems
from wabot.config.credentials import MissingSecret, Secrets
from wabot.config.phrases import pattern_problem
from wabot.config.setting_types import SettingType, WrongMember, key_of
from wabot.config.settings import SAFE_PATH, AlertSettings, Settings
from wabot.config.toml_file import BACKSLASH, read_tables, read_toml
from wabot.errors import ConfigError
from wabot.system.masking import redact
from wabot.system.units import CONFIGURATIONS

BASE64_FOLLOWS = "whsec_"
"""How a secret begins that is written as the Standard Webhooks specification says: then 24 to 64 bytes."""

_REFERENCE = re.compile(r"(credential|env|file):")
_LONGEST_SHOWN = 80
_SCHEMES = ("sqlite:", "postgresql:", "postgres:")
_DATABASE_ADDRESS = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"


def load_settings(
    file: Path | None,
    environ: Mapping[str, str],
    *,
    all_secrets: bool = True,
    sections: Collection[str] | None = None,
    place: Path | None = None,
    tolerated: list[str] | None = None,
) -> Settings:
    """Read the configuration file, if there is one, and check every key.

    Args:
        file: what `--config` named, or None to search as `find_configuration` does.
        environ: the process environment; also where secrets may come from.
        all_secrets: False lets secrets be missing, all but that of the database: an operator's shell has
            none of the credentials that systemd gives the service.
        sections: read only these and leave the others at their defaults; None for all.
        place: where it will stand, if that is elsewhere: secrets go by that name.
        tolerated: where problems are put, instead of raising: what has one is left at its default.

    Raises:
        ConfigError: with one line for each problem.
    """
    path = find_configuration(file, environ)
    document: dict[str, Any] = {}
    if path:
        try:
            document = read_toml(path)
        except ConfigError as error:
            if tolerated is None or sections is None:
                raise
            tolerated += error.problems
            document = read_tables(path, sections)
    place = place or path
    secrets = Secrets(environ, place.stem) if place else Secrets(environ)
    if sections is not None:
        document = {name: table for name, table in document.items() if name in sections}
    problems: list[str] = []
    values: dict[str, Any] = {}
    known = {field.name: field for field in dataclasses.fields(Settings) if field.name != "file"}
    for name, table in document.items():
        if name not in known and not isinstance(table, dict) and (belongs := _where_it_belongs(name)):
            problems.append(f"{_named(name)}: it stands before the first section; {belongs}")
        elif name not in known:
            problems.append(f"[{_named(name)}]: unknown section; there are {', '.join(known)}")
        elif not isinstance(table, dict):
            problems.append(f"{name}: write it as a section, [{name}]")
    document = {name: table for name, table in document.items() if isinstance(table, dict)}
    for name, field in known.items():
        section_class: Any = field.default_factory
        values[name] = _section(section_class, name, document.get(name, {}), secrets, problems)
    settings = Settings(**values, file=place)
    settings = _with_defaults(settings, document, environ, secrets, problems)
    if not all_secrets:
        problems = [problem for problem in problems if not isinstance(problem, MissingSecret)]
    where = f"{path}: " if path else ""
    if tolerated is not None:
        tolerated += [where + problem for problem in problems]
    elif problems:
        raise ConfigError([where + problem for problem in problems])
    return settings


def find_configuration(file: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file in use, or None where there is none.

    Args:
        file: what `--config` named, or None to search $WABOT_CONFIG, $CONFIGURATION_DIRECTORY, /etc/wabot.
        environ: the process environment.
    """
    named = file or (Path(environ["WABOT_CONFIG"]) if environ.get("WABOT_CONFIG") else None)
    if named is not None:
        return named
    for directory in filter(
        None, (environ.get("CONFIGURATION_DIRECTORY", "").split(":")[0], str(CONFIGURATIONS))
    ):
        candidate = Path(directory) / "wabot.toml"
        if _is_there(candidate):
            return candidate
    return None


def _section(
    section_class: Any, name: str, table: dict[str, Any], secrets: Secrets, problems: list[str]
) -> Any:
    values: dict[str, Any] = {}
    known = {key_of(field): field for field in dataclasses.fields(section_class)}
    for key, value in table.items():
        field = known.get(key)
        if field is None:
            problems.append(f"{name}.{_named(key)}: unknown setting; {_what_else(name, key, known)}")
        elif key == "providers":
            found = _endpoints(key, value, secrets, problems)
            values[field.name] = tuple(ProviderSettings(**{"name": each["model"], **each}) for each in found)
        elif key == "transcribers":
            found = _endpoints(key, value, secrets, problems)
            values[field.name] = tuple(
                TranscriberSettings(**{"name": each.get("model") or each.get("kind", ""), **each})
                for each in found
            )
        elif dataclasses.is_dataclass(field.default_factory):
            if isinstance(value, dict):
                values[field.name] = _section(
                    field.default_factory, f"{name}.{key}", value, secrets, problems
                )
            else:
                problems.append(f"{name}.{key}: write it as a section, [{name}.{key}]")
        else:
            read = _read_value(
                f"{name}.{key}", field.metadata["type"], value, problems, hidden=not field.repr
            )
            if read is not None:
                values[field.name] = read
    return section_class(**values)


def _what_else(name: str, key: str, known: Collection[str]) -> str:
    """What may have been meant by a setting that its section does not have."""
    if close := difflib.get_close_matches(key[:_LONGEST_SHOWN], known, n=1, cutoff=0.8):
        return f"was {close[0]} meant?"
    for kind, settings in ENDPOINT_SETTINGS.items():
        if name == "ai" and key in settings:
            return f"it belongs below a line [[ai.{kind}]], which must not begin with #"
    return _where_it_belongs(key) or f"[{name}] has {', '.join(known)}"


def _where_it_belongs(key: str) -> str:
    for section in dataclasses.fields(Settings):
        factory: Any = section.default_factory
        if dataclasses.is_dataclass(factory) and key in map(key_of, dataclasses.fields(factory)):
            return f"it belongs below the line [{section.name}]"
    return ""


def _read_value(
    key: str, type_: SettingType, value: Any, problems: list[str], *, hidden: bool = False
) -> Any:
    try:
        return type_.read(value)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        wrong = error.member if isinstance(error, WrongMember) else value
        shown = "***" if hidden else _shown(wrong)
        where = f"{key}: {shown} in it" if wrong is not value else f"{key} = {shown}"
        problems.append(f"{where}: allowed is {type_.allowed}{_if_backslash(wrong)}")
        return None


def _if_backslash(value: Any) -> str:
    """The explanation of a value such as "C:\\temp", in which TOML reads a tab; "" for any other."""
    is_meant = isinstance(value, str) and any(sign in value for sign in "\b\t\n\f\r\x1b")
    return f"; {BACKSLASH}" if is_meant else ""


def _endpoints(kind: str, value: Any, secrets: Secrets, problems: list[str]) -> list[dict[str, Any]]:
    """What is said of each of the providers or transcribers, of which nothing is missing."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or len(value) > 20:
        problems.append(f"ai.{kind}: write each as [[ai.{kind}]], at most 20")
        return []
    settings, endpoints = ENDPOINT_SETTINGS[kind], []
    for position, table in enumerate(value, start=1):
        where = f"ai.{kind}[{position}]"
        found: dict[str, Any] = {}
        for key, item in table.items():
            if key not in settings:
                meant = _what_else(f"ai.{kind}", key, settings)
                problems.append(f"{where}.{_named(key)}: unknown setting; {meant}")
                continue
            hidden = key == "api_key"
            read = _read_value(f"{where}.{key}", settings[key].type, item, problems, hidden=hidden)
            if read is not None:
                found["timeout_seconds" if key == "timeout" else key] = read
        required = [key for key, known in settings.items() if known.is_required]
        problems.extend(f"{where}.{key}: missing" for key in required if key not in table)
        if found.get("api_key"):
            found["api_key"] = secrets.resolve(f"{where}.api_key", found["api_key"], problems)
        if all(key in found for key in required):
            endpoints.append(found)
    return endpoints


def _with_defaults(
    settings: Settings,
    document: dict[str, Any],
    environ: Mapping[str, str],
    secrets: Secrets,
    problems: list[str],
) -> Settings:
    """Fill in what depends on the environment, and check what depends on more than one key."""
    state = settings.paths.state
    if state == Path():
        home = Path(environ.get("HOME") or "~").expanduser()
        state = Path(environ.get("STATE_DIRECTORY", "").split(":")[0] or home / ".local" / "state" / "wabot")
    state = Path(os.path.abspath(state))  # noqa: PTH100 - Path.absolute() keeps the ".."
    if not re.fullmatch(SAFE_PATH, str(state)):
        problems.append(
            f"paths.state = {_shown(str(state))}: allowed are letters, digits and . _ - /; "
            "the client library cannot open its store elsewhere"
        )
    url = settings.database.url
    if url and not url.startswith(_SCHEMES):
        missing: list[str] = []
        if url.startswith(("credential:", "env:", "file:")):
            reference, url = url, secrets.resolve("database.url", url, missing)
            if url and not url.startswith(_SCHEMES):
                missing.append(f"database.url: what {reference} holds is no address: {_DATABASE_ADDRESS}")
        else:
            references = "credential:NAME, env:NAME or file:PATH"
            missing.append(f"database.url = ***: allowed is {_DATABASE_ADDRESS}, or {references}")
        # Never a MissingSecret: without it, the wrong database would be used.
        problems.extend(map(str, missing))
    knowledge = settings.ai.knowledge
    for key, named in (("knowledge", knowledge), ("system_prompt_file", settings.ai.system_prompt_file)):
        if key in document.get("ai", {}) and named is not None and not _is_there(named):
            problems.append(f"ai.{key} = {_shown(str(named))}: no such file or folder")
    problems += budget_problems(settings.ai.providers, settings.ai.tokens_per_day)
    problems += transcriber_problems(settings.ai.transcribers)
    if settings.chats.trigger_type == "regex":
        for pattern in settings.chats.trigger_values:
            if problem := pattern_problem(pattern):
                problems.append(f"chats.trigger_values = {_shown(pattern)}: not a pattern: {problem}")
    if settings.chats.trigger_type != "all" and not settings.chats.trigger_values:
        problems.append("chats.trigger_values = []: no chat could ever begin; name what begins one")
    replies = settings.replies
    if not replies.typing and "per_minute" not in document.get("replies", {}):
        replies = dataclasses.replace(replies, per_minute=0)
    return dataclasses.replace(
        settings,
        alerts=resolve_alerts(settings.alerts, secrets, problems),
        replies=replies,
        paths=dataclasses.replace(settings.paths, state=state),
        database=dataclasses.replace(settings.database, url=url or f"sqlite:///{state / 'wabot.db'}"),
    )


def resolve_alerts(settings: AlertSettings, secrets: Secrets, problems: list[str]) -> AlertSettings:
    """The settings with the secrets themselves in the place of the references.

    Args:
        settings: as they stand in the configuration.
        secrets: where those are.
        problems: gets a line for each problem.
    """
    found = {
        name: _resolve(name, getattr(settings, name), secrets, problems)
        for name in ("webhook_url", "webhook_secret", "smtp_url")
    }
    if found["webhook_url"] and not _is_address(found["webhook_url"], "http", "https"):
        problems.append("alerts.webhook_url = ***: allowed is an http or https address")
        found["webhook_url"] = ""
    if not _is_signing_secret(found["webhook_secret"]):
        problems.append(
            f"alerts.webhook_secret = ***: after {BASE64_FOLLOWS} allowed is base64 of 24 to 64 bytes, "
            "as the receiver gave it"
        )
        found["webhook_secret"] = ""
    if found["smtp_url"] and not _is_address(found["smtp_url"], "smtp", "smtps"):
        problems.append("alerts.smtp_url = ***: allowed is smtps://… or smtp://USER:PASSWORD@HOST:PORT")
        found["smtp_url"] = ""
    if settings.smtp_url and not settings.to:
        problems.append("alerts.to = []: smtp_url is set; name who gets the e-mails")
    if settings.to and not settings.smtp_url:
        problems.append("alerts.smtp_url is missing: `to` names who gets e-mails; name the mail server")
    # The path of such an address is often the only secret that there is.
    redact(found["webhook_url"])
    return dataclasses.replace(
        settings,
        webhook_url=found["webhook_url"],
        webhook_secret=found["webhook_secret"],
        smtp_url=found["smtp_url"],
    )


def _resolve(name: str, value: str, secrets: Secrets, problems: list[str]) -> str:
    if not _REFERENCE.match(value):
        return value
    return secrets.resolve(f"alerts.{name}", value, problems)


def _is_address(value: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            value.isprintable()
            and " " not in value
            and parts.scheme in schemes
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:
        return False


def _is_signing_secret(value: str) -> bool:
    if not value.startswith(BASE64_FOLLOWS):
        return True
    try:
        return 24 <= len(base64.b64decode(value.removeprefix(BASE64_FOLLOWS), validate=True)) <= 64
    except ValueError:
        return False


def _is_there(path: Path) -> bool:
    """Whether a path exists; one that may not be looked at does, and opening it will say why."""
    try:
        return path.exists()
    except PermissionError:
        return True
    except OSError:
        return False


def _named(key: str) -> str:
    """A key that is not one of ours, which may be any text."""
    return key if key.isprintable() and len(key) <= _LONGEST_SHOWN else _shown(key)


def _shown(value: Any) -> str:
    """A value for people: short, on one line, without the password of an address."""
    try:
        shown = re.sub("//.*@", "//***@", repr(value))
    except ValueError:
        # Python writes no number of more than 4300 digits, though TOML has them in hexadecimal.
        return "…"
    return shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 3] + "…"
