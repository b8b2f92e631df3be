"""What a setting may hold: each type reads one TOML value or says what is allowed instead."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wabot.config.business_hours import ALLOWED, parse_span
from wabot.config.phone_numbers import PERSON_SERVERS, is_international, parse_address, without_punctuation
from wabot.config.phrases import normalized
from wabot.errors import UsageError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_MOST_CONTACTS, _LONGEST_CONTACT_CHARACTERS = 1000, 200
_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(KB|MB|GB)")
_BYTES_PER_UNIT = {"KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class SettingType:
    """How a TOML value becomes a setting.

    Attributes:
        allowed: for people, what may stand here.
        read: turns the TOML value into the setting's value; raises ValueError or TypeError for rubbish.
        show: writes a value as it would stand in the file.
    """

    allowed: str
    read: Callable[[Any], Any]
    show: Callable[[Any], str] = json.dumps


class WrongMember(ValueError):
    """One member of a list is not allowed.

    Attributes:
        member: the TOML value of that member.
    """

    def __init__(self, member: Any) -> None:
        super().__init__(repr(member))
        self.member = member


def setting(type_: SettingType, default: Any, meaning: str, *, secret: bool = False) -> Any:
    """Declare a dataclass field that is a setting: its type, its default and one line of meaning."""
    return field(default=default, repr=not secret, metadata={"type": type_, "meaning": meaning})


def key_of(declared: Field[Any]) -> str:
    """What a setting is called in the file, where a time span or a size is written with its unit."""
    return declared.name.removesuffix("_seconds").removesuffix("_bytes")


def text(*, longest: int = 1000, pattern: str | None = None, allowed: str = "a text") -> SettingType:
    """A string, at most `longest` characters, matching `pattern` whole if one is given."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise ValueError
        if pattern is not None and not re.fullmatch(pattern, value):
            raise ValueError
        return value

    return SettingType(allowed, read)


def choice(*options: str) -> SettingType:
    """One of a few words."""

    def read(value: Any) -> str:
        if value not in options or not isinstance(value, str):
            raise ValueError
        return value

    return SettingType("one of " + ", ".join(f'"{option}"' for option in options), read)


def boolean() -> SettingType:
    """true or false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value

    return SettingType("true or false", read)


def yes_no_or(undecided: str) -> SettingType:
    """true or false, or a word for what is neither yet, which is None."""

    def read(value: Any) -> bool | None:
        if value == undecided:
            return None
        if not isinstance(value, bool):
            raise TypeError
        return value

    return SettingType(f'true, false or "{undecided}"', read)


def integer(least: int, most: int) -> SettingType:
    """A whole number within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return SettingType(f"a whole number from {least} to {most}", read)


def number(least: float, most: float) -> SettingType:
    """A number within bounds."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise TypeError
        if not least <= value <= most:
            raise ValueError
        return float(value)

    return SettingType(f"a number from {least:g} to {most:g}", read)


def duration(least_seconds: float, most_seconds: float) -> SettingType:
    """A time span: a number of seconds, or a number with s, m, h or d, as in "15m"."""
    seconds = number(least_seconds, most_seconds)

    def read(value: Any) -> float:
        if isinstance(value, str):
            match = _DURATION.fullmatch(value.strip())
            if match is None:
                raise ValueError
            value = float(match[1]) * _SECONDS_PER_UNIT[match[2]]
        return float(seconds.read(value))

    allowed = f'{time_span(least_seconds)} to {time_span(most_seconds)}: seconds, or a text such as "15m"'
    return SettingType(allowed, read, lambda seconds: json.dumps(time_span(seconds)))


def time_span(seconds: float) -> str:
    """A time span in the largest unit that keeps it whole, as a setting may be written."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.10g}s"


def size(least_bytes: int, most_bytes: int) -> SettingType:
    """A number of bytes, or a number with KB, MB or GB, as in "16MB"; of a thousand each."""
    number_of_bytes = integer(least_bytes, most_bytes)

    def read(value: Any) -> int:
        if isinstance(value, str):
            match = _SIZE.fullmatch(value.strip())
            if match is None:
                raise ValueError
            value = round(float(match[1]) * _BYTES_PER_UNIT[match[2]])
        return int(number_of_bytes.read(value))

    allowed = f'{byte_size(least_bytes)} to {byte_size(most_bytes)}: bytes, or a text such as "16MB"'
    return SettingType(allowed, read, lambda value: json.dumps(byte_size(value)))


def byte_size(value: int) -> str:
    """A number of bytes in the largest unit that keeps it whole, as a setting may be written."""
    for unit, bytes_per_unit in reversed(_BYTES_PER_UNIT.items()):
        if value >= bytes_per_unit and value % bytes_per_unit == 0:
            return f"{value // bytes_per_unit}{unit}"
    return f"{value} bytes"


def texts(*, most: int = 1000, longest: int = 200) -> SettingType:
    """A list of strings."""
    return SettingType("a list of texts", _list_of(text(longest=longest), most))


def contacts() -> SettingType:
    """A list of phone numbers, hidden ids and JIDs, with wildcards; numbers in any spelling become digits.

    A phone number without a sign of the country's code is a mistake: it would match nobody.
    """

    def read_one(item: Any) -> str:
        if not isinstance(item, str) or len(item) > _LONGEST_CONTACT_CHARACTERS:
            raise ValueError
        user, at, server = item.strip().partition("@")
        if "*" not in item and (not at or server in PERSON_SERVERS):
            if not at and not is_international(user):
                raise ValueError
            address = parse_address(item)
            return address.jid if at else address.phone
        if server != "g.us":
            user = without_punctuation(user)
        if not re.fullmatch(r"[0-9*-]+", user) or (at and not re.fullmatch(r"[a-z.*]+", server)):
            raise ValueError
        return user + at + server

    return SettingType(
        'a list of texts such as "+34600111222", with the country\'s code, "+34600*" or "299000111222@lid"',
        _list_of(SettingType("a number", read_one), _MOST_CONTACTS),
    )


def words() -> SettingType:
    """A list of words or short phrases, each with a letter or a digit in it."""
    many = texts(most=100, longest=100)

    def read_one(phrase: str) -> str:
        if not any(map(str.isalnum, normalized(phrase))):
            raise ValueError
        return phrase

    def read(value: Any) -> tuple[str, ...]:
        return _each(read_one, many.read(value))

    return SettingType("a list of words; case, accents and punctuation do not count", read)


def opening_hours() -> SettingType:
    """A list of spans of the week."""
    many = texts(most=50, longest=50)

    def read_one(span: str) -> str:
        parse_span(span)
        return span

    def read(value: Any) -> tuple[str, ...]:
        return _each(read_one, many.read(value))

    return SettingType("a list of " + ALLOWED, read)


_EMAIL_ADDRESS = r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}"
_MOST_EMAIL_ADDRESSES = 20
_EMAIL_ALLOWED = "an e-mail address such as owner@example.com"


def email_address() -> SettingType:
    """One plain e-mail address, or nothing."""
    return text(longest=254, pattern=f"({_EMAIL_ADDRESS})?", allowed=_EMAIL_ALLOWED)


def email_addresses() -> SettingType:
    """A list of plain e-mail addresses."""
    one = text(longest=254, pattern=_EMAIL_ADDRESS)
    return SettingType(
        f"a list of e-mail addresses, at most {_MOST_EMAIL_ADDRESSES}", _list_of(one, _MOST_EMAIL_ADDRESSES)
    )


def time_zone() -> SettingType:
    """The name of a time zone this machine knows, or nothing."""
    one = text(longest=100)

    def read(value: Any) -> str:
        name: str = one.read(value)
        if name:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, OSError):
                raise ValueError from None
        return name

    return SettingType('a time zone such as "Europe/Madrid"; timedatectl list-timezones shows all', read)


def path() -> SettingType:
    """A path; a leading ~ is the home directory."""
    one = text(longest=4000)
    return SettingType(
        "a path",
        lambda value: Path(one.read(value)).expanduser() if one.read(value) else None,
        lambda value: json.dumps(str(value)),
    )


def _list_of(one: SettingType, most: int) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError
        return _each(one.read, value)

    return read


def _each(read_one: Callable[[Any], str], members: Iterable[Any]) -> tuple[str, ...]:
    """Each member as it is read; raises WrongMember for the first that is not allowed."""
    found = []
    for member in members:
        try:
            found.append(read_one(member))
        except (ValueError, TypeError, UsageError):
            raise WrongMember(member) from None
    return tuple(found)
