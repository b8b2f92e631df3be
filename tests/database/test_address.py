"""Addresses of databases: their forms, and how they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.database.address import public_url, same_database, sqlite_file


# SQLite
@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////var/lib/wabot/wabot.db", "/var/lib/wabot/wabot.db"),
        ("sqlite:///wabot.db", "wabot.db"),
        ("sqlite:///data/wabot.db", "data/wabot.db"),
        ("sqlite:/var/lib/wabot.db", "/var/lib/wabot.db"),
        ("sqlite:wabot.db", "wabot.db"),
        ("sqlite:///", "wabot.db"),
    ],
)
def test_the_forms_of_an_sqlite_address(url: str, file: str) -> None:
    assert sqlite_file(url) == Path(file)


@pytest.mark.parametrize("url", ["postgresql://h/db", "postgres://h/db", "", "/var/lib/wabot.db"])
def test_what_is_no_sqlite_address(url: str) -> None:
    assert sqlite_file(url) is None


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("sqlite:////var/lib/wabot.db", "sqlite:////var/lib/wabot.db"),
        ("postgresql://h/db", "postgresql://h/db"),
        ("postgresql://ana@h:5432/db?sslmode=require", "postgresql://ana@h:5432/db?sslmode=require"),
        ("postgresql://ana:s3cret@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://ana:s3/cr:et@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://ana:s3cret@x@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://:s3cret@h/db", "postgresql://:***@h/db"),
        ("postgresql://ana:@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://h/db?user=ana&password=s3cret&a=b", "postgresql://h/db?user=ana&password=***&a=b"),
        ("postgresql://ana:s3cret@[::1/db", "postgresql://ana:***@[::1/db"),
        ("postgresql://h/db?sslpassword=s3cret", "postgresql://h/db?sslpassword=***"),
        ("s3cret", "***"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, public: str) -> None:
    assert public_url(url) == public


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("sqlite:////srv/wabot.db", True),
        ("sqlite:////srv/shop/../wabot.db", True),
        ("sqlite:////srv/other.db", False),
        ("postgresql://wabot@db/srv", False),
    ],
)
def test_two_addresses_of_one_database(other: str, is_same: bool) -> None:
    assert same_database("sqlite:////srv/wabot.db", other) is is_same
    assert same_database(other, "sqlite:////srv/wabot.db") is is_same
