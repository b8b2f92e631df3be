"""scripts/install on a booted systemd, from nothing to the first answer, and back."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.systemd import container as container_module
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import REPOSITORY, Container
from wabot.emulator.postgresql import PostgresqlServer
from wabot.emulator.server import Emulator

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(900)]

CHECKOUT, WHEELS = Path("/opt/checkout"), Path("/opt/wheelhouse")
QUESTION = "Hola, ¿cuánto cuesta el envío a domicilio?"
BREAKS = "raise RuntimeError('a bad release')"
# The old version must not see what the bad one did to the database.
MIGRATION = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE wabot_from_the_future (id INTEGER)')\n"
_COUNT = """
import sqlite3, sys
for file in sys.argv[1:]:
    names = sqlite3.connect(file).execute("SELECT name FROM sqlite_master")
    print(("wabot_from_the_future",) in names)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What scripts/requirements.txt names, because the container has no network."""
    python = Path("/usr/bin/python3")
    environment = tmp_path_factory.mktemp("pip") / "venv"
    subprocess.run([python, "-m", "venv", environment], check=True, timeout=120)
    directory = tmp_path_factory.mktemp("wheelhouse")
    command = [environment / "bin" / "pip", "download", "--quiet", "--no-deps", "--dest", directory]
    command += ["--require-hashes", "--requirement", REPOSITORY / "scripts" / "requirements.txt"]
    subprocess.run(command, check=True, timeout=600)
    return directory


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Iterator[Container]:
    """A machine that has never heard of wabot."""
    reason = container_module.missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("install") / "machine"
    with Container(directory, {REPOSITORY: CHECKOUT, wheels: WHEELS}, installed=False) as booted:
        yield booted


@pytest.fixture(scope="module")
def emulator(machine: Container) -> Iterator[Emulator]:
    with machine.in_network(Emulator) as running:
        yield running


def install(
    machine: Container, *options: str, checkout: Path = CHECKOUT, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run scripts/install as root, with pip led to the wheels."""
    pip = ["PIP_NO_INDEX=1", f"PIP_FIND_LINKS={WHEELS}"]
    return machine.run("env", *pip, f"{checkout}/scripts/install", *options, check=check, timeout_seconds=400)


def owner(machine: Container, path: str) -> str:
    return machine.run("stat", "--format", "%U:%G %a", path).stdout.strip()


def everything(machine: Container) -> str:
    places = ["/opt", "/etc", "/var/lib", "/usr/local"]
    return machine.run("find", *places, "-xdev", "-path", "/opt/pypi*", "-prune", "-o", "-print").stdout


def test_another_distribution_is_refused(machine: Container) -> None:
    release = machine.path("/usr/lib/os-release")
    before = release.read_text()
    release.write_text('ID=fedora\nVERSION_ID=44\nPRETTY_NAME="Fedora Linux 44"\n')
    try:
        refused = install(machine, check=False)
    finally:
        release.write_text(before)
    assert refused.returncode == 69
    assert "this is Fedora Linux 44; wabot installs itself on Debian 12 and 13" in refused.stderr


def test_a_dry_run_changes_nothing(machine: Container) -> None:
    before = everything(machine)
    for options in (["--dry-run"], ["--uninstall", "--purge", "--dry-run"]):
        told = install(machine, *options).stderr
        assert "would run: " in told
    assert everything(machine) == before
    assert install(machine, "--upgrade", check=False).returncode == 69


def test_wrong_usage(machine: Container) -> None:
    for options in (["--purge"], ["--force"]):
        wrong = install(machine, *options, check=False)
        assert (wrong.returncode, wrong.stdout) == (64, "")
        assert wrong.stderr.startswith("usage: ")


def test_from_nothing_to_the_first_answer(machine: Container, emulator: Emulator) -> None:
    told = install(machine).stderr
    for command in ("sudoedit /etc/wabot/wabot.toml", "sudo wabot pair", "sudo systemctl enable --now wabot"):
        assert command in told
    assert owner(machine, "/etc/wabot") == "root:wabot 750"
    assert owner(machine, "/etc/wabot/wabot.toml") == "root:wabot 640"
    assert owner(machine, "/etc/wabot/knowledge/tienda.es.md") == "root:wabot 640"
    assert owner(machine, "/var/lib/wabot") == "wabot:wabot 700"
    assert machine.property("wabot-janitor.timer", "ActiveState") == "active"
    assert "neonize 0.5.2" in machine.run("/usr/local/bin/wabot", "version").stdout
    assert not machine.path("/opt/checkout/build").exists()

    bot = BotUnit(machine, emulator)
    bot.override()
    pair(machine, emulator)
    files = machine.run("find", "/var/lib/wabot", "-not", "-user", "wabot").stdout
    assert files == "", "root typed `wabot pair`"
    machine.run("systemctl", "enable", "--now", "wabot")
    bot.wait_for_state("connected")
    ana = emulator.customer(1)
    ana.send(QUESTION)
    assert "env" in ana.wait_for_replies(1)[0].text.lower()


def pair(machine: Container, emulator: Emulator) -> None:
    """`wabot pair` typed by root, scanned by the owner."""
    machine.write("/tmp/ca.pem", Path(emulator.environment({})["SSL_CERT_FILE"]).read_text())
    environment = {**emulator.environment({}), "SSL_CERT_FILE": "/tmp/ca.pem"}
    variables = [f"{name}={value}" for name, value in environment.items()]
    _, *launch = emulator.command("pair")
    outcome: list[subprocess.CompletedProcess[str]] = []
    typing = threading.Thread(
        target=lambda: outcome.append(
            machine.run("env", *variables, "/opt/wabot/bin/python", *launch, check=False)
        )
    )
    typing.start()
    code = ""

    def shown() -> bool:
        nonlocal code
        answer = machine.run("/usr/local/bin/wabot", "status", "--json", check=False).stdout
        code = (json.loads(answer)["sessions"][0]["qr"] or "") if answer else ""
        return bool(code) or not typing.is_alive()

    machine.wait_until(shown, "wabot.service")
    emulator.phone.scan(code)
    typing.join(60)
    assert outcome[0].returncode == 0, outcome[0].stderr
    assert "Ready: linked as" in outcome[0].stdout


def test_a_second_run_is_an_upgrade_that_keeps_everything(machine: Container, emulator: Emulator) -> None:
    with machine.path("/etc/wabot/wabot.toml").open("a") as configuration:
        configuration.write("# mine\n")
    machine.path("/etc/wabot/knowledge/tienda.es.md").unlink()
    release = str(machine.path("/opt/wabot").readlink())
    logins = emulator.bot.logins
    told = install(machine, "--upgrade").stderr
    assert "Upgraded." in told
    assert str(machine.path("/opt/wabot").readlink()) != release
    assert machine.path(release).is_dir(), "the way back"
    bot = BotUnit(machine, emulator)
    bot.wait_for_state("connected")
    assert emulator.bot.logins == logins + 1
    assert machine.path("/etc/wabot/wabot.toml").read_text().endswith("# mine\n")
    assert not machine.path("/etc/wabot/knowledge/tienda.es.md").exists()
    (copy,) = machine.path("/var/lib/wabot/backups").glob("*/0.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    ana = emulator.customer(1)
    ana.send("Do you have gift cards?")
    ana.wait_for_replies(2)


def fail_to_upgrade(machine: Container) -> None:
    """To a version that changes the database and ends before it is ready."""
    bad = Path("/var/tmp/bad")
    shutil.rmtree(machine.path(bad), ignore_errors=True)
    shutil.copytree(
        REPOSITORY,
        machine.path(bad),
        ignore=shutil.ignore_patterns(".*", "tests", "*.egg-info", "__pycache__"),
    )
    migrations = machine.path(bad / "wabot" / "migrations")
    (migrations / "9999_from_the_future.py").write_text(MIGRATION)
    service = machine.path(bad / "wabot" / "service.py")
    service.write_text(service.read_text().replace("self._notifier.ready()", BREAKS))
    release = str(machine.path("/opt/wabot").readlink())
    releases = len(list(machine.path("/opt/wabot.releases").iterdir()))
    failed = install(machine, checkout=bad, check=False)
    assert failed.returncode == 1
    assert "going back to the one before" in failed.stderr, failed.stderr
    assert "put back: " in failed.stdout
    assert str(machine.path("/opt/wabot").readlink()) == release
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == releases


def test_an_upgrade_that_does_not_get_ready_is_taken_back(machine: Container, emulator: Emulator) -> None:
    fail_to_upgrade(machine)
    BotUnit(machine, emulator).wait_for_state("connected")
    database = "/var/lib/wabot/wabot.db"
    found = machine.run("/opt/wabot/bin/python", "-c", _COUNT, database, f"{database}.replaced").stdout
    assert found == "False\nTrue\n"
    files = machine.run("find", "/var/lib/wabot", "-not", "-user", "wabot").stdout
    assert files == ""
    ana = emulator.customer(1)
    ana.send("Hola otra vez")
    ana.wait_for_replies(3)


@pytest.fixture
def on_postgresql(machine: Container, emulator: Emulator) -> Iterator[Callable[[str], list[Any]]]:
    """The bot moves to a PostgreSQL for a while; ask it by SQL."""
    server = PostgresqlServer(["fsync=off"])
    machine.in_network(server.__enter__)

    def ask(statement: str) -> list[Any]:
        with closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()
            return cursor.fetchall() if cursor.description else []

    file = machine.path("/etc/wabot/wabot.toml")
    before = file.read_text()
    try:
        machine.in_network(lambda: ask("CREATE TABLE users (id TEXT); INSERT INTO users VALUES ('default')"))
        file.write_text(before.replace("[database]", f'[database]\nurl = "{server.url()}"'))
        machine.run("systemctl", "stop", "wabot")
        bot = BotUnit(machine, emulator)
        bot.start()
        bot.wait_for_state("connected")
        yield lambda statement: machine.in_network(lambda: ask(statement))
    finally:
        file.write_text(before)
        machine.run("systemctl", "restart", "wabot", check=False)
        server.__exit__(None, None, None)


@pytest.mark.postgresql
def test_so_it_is_over_postgresql(
    machine: Container, emulator: Emulator, on_postgresql: Callable[[str], list[Any]]
) -> None:
    ana = emulator.customer(2)
    ana.send("Hola desde PostgreSQL")
    ana.wait_for_replies(1)
    fail_to_upgrade(machine)
    BotUnit(machine, emulator).wait_for_state("connected")
    assert on_postgresql("SELECT to_regclass('wabot_from_the_future')") == [(None,)]
    assert on_postgresql("SELECT name FROM wabot_migrations WHERE name LIKE '9999%'") == []
    assert on_postgresql("SELECT text FROM wabot_inbox") == [("Hola desde PostgreSQL",)]
    ana.send("Hola otra vez")
    ana.wait_for_replies(2)
    assert on_postgresql("SELECT count(*) FROM wabot_inbox WHERE state = 'answered'") == [(2,)]


def test_a_configuration_the_new_version_refuses_stops_nothing(machine: Container) -> None:
    machine.write("/etc/wabot/other.toml", "[typo]\n")
    pid = machine.property("wabot.service", "MainPID")
    refused = install(machine, check=False)
    machine.path("/etc/wabot/other.toml").unlink()
    assert refused.returncode == 1
    assert "does not accept /etc/wabot/other.toml; nothing has changed" in refused.stderr
    assert machine.property("wabot.service", "MainPID") == pid
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == 2


def test_uninstall_keeps_what_is_the_owners(machine: Container) -> None:
    assert "Kept: /etc/wabot, /var/lib/wabot" in install(machine, "--uninstall").stderr
    assert not machine.path("/opt/wabot").is_symlink()
    assert not machine.path("/opt/wabot.releases").exists()
    assert not list(machine.path("/etc/systemd/system").glob("wabot*.service"))
    assert not machine.path("/usr/local/bin/wabot").is_symlink()
    assert machine.path("/etc/wabot/wabot.toml").read_text().endswith("# mine\n")
    assert machine.path("/var/lib/wabot/wabot.db").exists()
    assert install(machine, "--uninstall").returncode == 0, "twice does no harm"


def test_purge_leaves_nothing(machine: Container) -> None:
    machine.write("/etc/credstore/wabot.ai-api-key", "sk-1", mode=0o600)
    install(machine, "--uninstall", "--purge")
    for gone in ("/etc/wabot", "/var/lib/wabot", "/etc/credstore/wabot.ai-api-key"):
        assert not machine.path(gone).exists()
    assert machine.run("getent", "passwd", "wabot", check=False).returncode == 2
    assert not list(machine.path("/etc/systemd/system").glob("wabot*"))
