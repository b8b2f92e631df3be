"""The installer where the bot uses an application's PostgreSQL, on bare machines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.existing_schema import FOREIGN_KEY, POSTGRESQL
from tests.support.handbook import HANDBOOK, blocks_of
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import Container
from tests.systemd.self_hoster import (
    RELEASES,
    UNCOMPILED,
    ask,
    give_bad_release,
    install,
    link_and_start,
    type_in,
)
from wabot.emulator.server.emulator import Emulator

pytestmark = [
    *(pytest.mark.systemd, pytest.mark.bare, pytest.mark.timeout(1500)),
    pytest.mark.parametrize("machine", RELEASES, indirect=True, scope="session"),
]

CONFIGURATION = '[account]\nuser_id = "owner"\n[database]\nurl = "credential:database-url"\n'
USER = (
    """INSERT INTO users (id, email, password, "updatedAt") VALUES ('owner', 'pia@a.example', 'x', now())"""
)
ADDRESS = "postgresql://wabot:p4ss@localhost/shop?schema=public"
Query = Callable[[str], list[str]]


@pytest.fixture
def query(machine: Container) -> Query:
    """Asks the application's database as its administrator; the rows of the answer."""
    type_in(machine, "sudo apt-get install -y -q --no-install-recommends postgresql")
    as_administrator = ("runuser", "-u", "postgres", "--", "psql", "-v", "ON_ERROR_STOP=1", "-qtA")
    machine.run(*as_administrator, "-c", "CREATE DATABASE shop")

    def ask_shop(sql: str) -> list[str]:
        return machine.run(*as_administrator, "-d", "shop", text=sql).stdout.splitlines()

    (least,) = blocks_of(HANDBOOK["database"], "sql")
    ask_shop(f"{POSTGRESQL}{FOREIGN_KEY};{USER};" + least.replace("'…'", "'p4ss'"))
    return ask_shop


def test_a_failed_upgrade_gives_the_tables_back(machine: Container, query: Query) -> None:
    install(machine, "--uninstall", "--purge", "--yes")
    install(machine)
    machine.write("/etc/credstore/wabot.database-url", ADDRESS, mode=0o600)
    machine.path("/etc/wabot/wabot.toml").write_text(CONFIGURATION)
    with machine.in_network(Emulator) as emulator:
        link_and_start(machine, emulator)
        ask(emulator, "Hola, ¿cuánto cuesta el envío a domicilio?")
        assert query("SELECT status FROM whatsapp_connections") == ["CONNECTED"]
        give_bad_release(machine)
        failed = install(machine, "--upgrade", checkout="bad", check=False, variables=UNCOMPILED)
        assert failed.returncode == 1
        assert "going back to the version before" in failed.stderr, failed.stderr
        assert "put back: postgresql://wabot:***@localhost/shop" in failed.stdout, failed.stdout
        BotUnit(machine, emulator).wait_for_state("connected")
        assert query("SELECT to_regclass('wabot_from_the_future') IS NULL") == ["t"]
        ask(emulator, "Do you have gift cards?")
        assert query("SELECT text FROM wabot_inbox ORDER BY id") == [
            "Hola, ¿cuánto cuesta el envío a domicilio?",
            "Do you have gift cards?",
        ]
        assert query("SELECT status FROM whatsapp_connections") == ["CONNECTED"]
        copies = machine.run("find", "/var/lib/wabot/backups", "-type", "f", "-printf", "%f %m %u\\n").stdout
        assert "0.pgdump 600 wabot" in copies and "p4ss" not in failed.stdout + failed.stderr
    stays = "Not deleted: wabot's own tables (wabot_…) in a PostgreSQL"
    assert stays in install(machine, "--uninstall", "--purge", "--yes").stderr
    assert query("SELECT to_regclass('wabot_inbox') IS NULL") == ["f"]
    assert stays not in install(machine, "--uninstall", "--purge", "--yes").stderr, (
        "there is no configuration any more"
    )
