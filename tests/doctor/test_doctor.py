from __future__ import annotations

import configparser
import contextlib
import importlib.metadata
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.support.alert_receivers import WebhookReceiver
from tests.support.arrivals import arrival
from tests.support.existing_schema import add_row, add_user, create_application
from tests.support.provider_server import ProviderServer
from tests.support.session_directories import hold, make_session
from wabot.alerts.dispatcher import Dispatcher
from wabot.alerts.notice import Condition, Problem
from wabot.application.users import require_user
from wabot.backup.manifest import MANIFEST
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.config.toml_file import PUT_SUDO
from wabot.database.engine import migrate, open_database
from wabot.database.models import ModelUsage, Session
from wabot.doctor import library as doctor_library
from wabot.doctor import machine as doctor_machine
from wabot.doctor.examination import examine
from wabot.doctor.finding import Finding
from wabot.doctor.library import NEONIZE_VERSION
from wabot.doctor.machine import judge_unit
from wabot.errors import ConfigError, ExitCode
from wabot.inbound.spool import Spool, Spooled
from wabot.session.host_lock import HostLock
from wabot.session.lock import SessionLock
from wabot.session.quarantine import Quarantine
from wabot.trials.peers.model_behaviours import say, status
from wabot.trials.peers.model_server import Behaviour, Handler

HEALTHY_UNIT = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "ActiveState": "active",
    "SubState": "running",
    "NRestarts": "0",
    "Type": "notify",
    "NotifyAccess": "main",
    "WatchdogUSec": "2min",
    "NeedDaemonReload": "no",
    "Environment": "NEONIZE_BOT_TAG=off GOMAXPROCS=1",
}


@pytest.fixture(autouse=True)
def private_files() -> Iterator[None]:
    """Files are made as the bot makes them, for nobody else."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the programs that the doctor may start; empty, so that this machine's play no part."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def install(programs: Path, name: str, output: str) -> None:
    """Put a program there that prints a text."""
    (programs / "answer").write_text(output)
    program = programs / name
    program.write_text(f"#!/bin/sh\n/bin/cat {programs}/answer\n")
    program.chmod(0o755)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration of a bot in good health that has never been started."""
    file = tmp_path / "shop.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[ai]\nknowledge = "{tmp_path}/texts"\n'
    )
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "shop.md").write_text("# Hours\nFrom nine to five.\n")
    return file


@pytest.fixture
def state(tmp_path: Path, file: Path) -> Path:
    """The state directory of the same bot after it has run."""
    state = tmp_path / "state"
    with database(f"sqlite:///{state}/wabot.db") as opened:
        require_user(opened, "ana")
    make_session(state / "sessions", "ana", linked=True, used_at=utc_now())
    return state


@contextlib.contextmanager
def database(url: str) -> Iterator[Any]:
    opened = open_database(url)
    migrate(opened)
    yield opened
    opened.close()


def json_status(code: int, error: dict[str, str]) -> Behaviour:
    """An error with more than a message."""
    return lambda handler, body: handler.send_json({"error": error}, code)


def illnesses(file: Path, *, online: bool = False, now: datetime | None = None) -> dict[str, Finding]:
    found = examine(file, dict(os.environ), now or utc_now(), online=online)
    ill = {finding.name: finding for finding in found if not finding.ok}
    assert all(finding.cure for finding in ill.values())
    assert all("\n" not in finding.text.strip() for finding in found)
    return ill


def test_a_healthy_bot(file: Path, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert illnesses(file) == {}
    assert main(["doctor", "--config", str(file)]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert "ok   session store: linked as +34…22" in lines
    assert all(line.startswith("ok   ") for line in lines[:-1])
    assert lines[-1] == "all is well"


def test_all_configurations_are_examined_with_a_total(
    file: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "north.toml").write_text(
        f'[account]\nuser_id = "ben"\n[paths]\nstate = "{state}"\n[chats]\ngroups = "perhaps"\n'
    )
    (file.parent / "another-program.toml").write_text("[server]\nport = 1\n")
    assert main(["doctor", "--all", "--config", str(file)]) == ExitCode.FINDINGS
    lines = capsys.readouterr().out.splitlines()
    north = lines.index("north:")
    assert lines[0] == "shop:"
    assert "all is well" in lines[:north]
    assert any(line.startswith("ILL  configuration: ") for line in lines[north:])
    assert lines[-1] == "2 configurations: 1 ill: north"
    assert main(["doctor", "--all", "--json", "--config", str(file)]) == ExitCode.FINDINGS
    answer = json.loads(capsys.readouterr().out)
    assert {name: each["ok"] for name, each in answer["configurations"].items()} == {
        "shop": True,
        "north": False,
    }
    (file.parent / "north.toml").unlink()
    assert main(["doctor", "--all", "--config", str(file)]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[-1] == "1 configuration: all is well"


def test_the_command_for_programs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--config", str(file)]) == ExitCode.FINDINGS
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    ill = {check["name"]: check for check in answer["checks"] if not check["ok"]}
    assert ill.keys() == {"database", "session store"}
    assert ill["session store"]["cure"] == f"wabot pair --config {file}"
    assert ill["database"]["cure"].startswith(f"wabot pair --config {file}; ")
    assert not (file.parent / "state").exists()


def test_a_linked_bot_whose_database_is_gone_is_to_be_started(file: Path, state: Path) -> None:
    (state / "wabot.db").unlink()
    assert illnesses(file)["database"].cure.startswith(f"wabot run --config {file}; ")


def test_configuration(file: Path) -> None:
    file.write_text("[account]\nuser_id = 7\n[chats]\ngroups = 'x'\n")
    found = examine(file, {}, utc_now(), online=False)
    problems = [finding.text for finding in found if finding.name == "configuration"]
    assert len(problems) == 2
    assert "account.user_id = 7" in problems[0]
    assert {finding.name for finding in found} == {"configuration", "unit", "neonize", "libmagic", "clock"}


def test_nothing_to_answer_from(file: Path, state: Path, tmp_path: Path) -> None:
    (tmp_path / "texts" / "shop.md").unlink()
    ill = illnesses(file)
    assert list(ill) == ["ai"]
    assert f"{tmp_path}/texts has no text" in ill["ai"].text


def test_who_may_not_read_the_configuration_is_sent_to_sudo(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConfigError([f"{file}: cannot be read: Permission denied{PUT_SUDO}"])

    monkeypatch.setattr("wabot.doctor.examination.settings_in_unit", refuse)
    assert illnesses(file)["configuration"].cure == f"sudo wabot doctor --config {file}"
    installed = Path("/etc/wabot/wabot.toml")
    (found, *_) = examine(installed, {}, utc_now(), online=False)
    assert found.cure == "sudo wabot doctor"


def test_secrets_that_are_missing(file: Path, state: Path) -> None:
    with file.open("a") as text:
        text.write('[[ai.providers]]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\napi_key = "env:KEY"\n')
    assert "KEY is not set" in illnesses(file)["secrets"].text
    file.with_suffix(".env").write_text("KEY=secret\n")
    assert "secrets" not in illnesses(file)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("state", 0o755),
        ("state/sessions/ana", 0o750),
        ("state/sessions/ana/whatsapp.db", 0o644),
        ("state/wabot.db", 0o640),
    ],
)
def test_files_that_others_may_read(file: Path, state: Path, path: str, mode: int) -> None:
    assert "permissions" not in illnesses(file)
    (file.parent / path).chmod(mode)
    ill = illnesses(file)["permissions"]
    assert str(file.parent / path) in ill.text
    _run_cure(ill.cure)
    assert "permissions" not in illnesses(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of somebody else's")
def test_a_file_of_somebody_else(file: Path, state: Path) -> None:
    os.chown(state / "wabot.db", 1, 1)
    (state / "link").symlink_to("/dev/null")
    (state / "gone").symlink_to("/no/such")
    ill = illnesses(file)["permissions"]
    assert ill.text == f"{state}/wabot.db belongs to another user than {state}"
    _run_cure(ill.cure)
    assert illnesses(file) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what others may not")
def test_a_text_that_the_bot_cannot_read(file: Path, state: Path, tmp_path: Path) -> None:
    """Root, who asks, could; so it is the bot's user who looks. That one talks in `wabot chat`, too."""
    # Not below pytest's directory, which is root's alone.
    with tempfile.TemporaryDirectory() as folder:
        texts, moved = Path(folder, "texts"), Path(folder, "state")
        texts.mkdir()
        text = texts / "shop.md"
        text.write_text("# Shop")
        shutil.move(state, moved)
        persona = Path(folder, "persona.txt")
        persona.write_text("Be kind.")
        file = file.rename(Path(folder, "shop.toml"))
        configured = (
            file.read_text().replace(str(tmp_path / "texts"), str(texts)).replace(str(state), str(moved))
        )
        file.write_text(f'{configured}system_prompt_file = "{persona}"\n')
        for path in (Path(folder), texts, text, file, persona):
            path.chmod(0o755)
        for path in (moved, *moved.rglob("*")):
            os.chown(path, 65_534, 65_534)
        assert "texts" not in _typed_by_root(file)
        for closed, shown in ((text, texts), (file, file), (persona, persona)):
            closed.chmod(0o600)
            text_and_cure = _typed_by_root(file)["texts"]
            closed.chmod(0o755)
            cure = f"sudo chgrp -R wabot {shown} && sudo chmod -R g+rX {shown}"
            assert text_and_cure == (f"{closed} cannot be read by the bot", cure)


def _typed_by_root(file: Path) -> dict[str, tuple[str, str]]:
    """What is ill, and its cure."""
    command = [sys.executable, "-P", "-m", "wabot", "doctor", "--json", "--config", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    return {
        each["name"]: (each["text"], each["cure"]) for each in json.loads(told)["checks"] if not each["ok"]
    }


def test_a_text_that_is_left_out(file: Path, tmp_path: Path) -> None:
    text = tmp_path / "texts" / "prices.md"
    text.write_bytes("# Precios\nUn envío cuesta 5 €\n".encode("cp1252"))
    ill = illnesses(file)["texts"]
    assert (ill.text, ill.cure) == (f"{text} is no UTF-8 text, so it is left out", "save it as UTF-8")
    text.write_text("# Precios\nUn envío cuesta 5 €\n", encoding="utf-8")
    assert "texts" not in illnesses(file)


def test_a_database_that_is_away(file: Path) -> None:
    with file.open("a") as text:
        text.write('[database]\nurl = "postgresql://a@127.0.0.1:1/x"\n')
    ill = illnesses(file)["database"]
    assert ill.text.startswith("postgresql://a@127.0.0.1:1/x cannot be opened")
    assert ill.cure.startswith("pg_isready -h 127.0.0.1 -p 1;")


def test_a_damaged_database(file: Path, state: Path) -> None:
    path = state / "wabot.db"
    size = path.stat().st_size
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (size - 4096))
    cure = illnesses(file)["database"].cure
    assert cure.startswith(f"where there is a backup: wabot restore DIRECTORY --config {file}; ")


def test_a_damaged_database_of_which_there_is_a_backup(file: Path, state: Path) -> None:
    """What several numbers share is in the backups of each."""
    north, own = file.with_name("north.toml"), file.with_name("own.toml")
    north.write_text(file.read_text().replace('"ana"', '"north"'))
    own.write_text(
        file.read_text().replace('"ana"', '"own"') + f'[database]\nurl = "sqlite:///{state}/own.db"\n'
    )
    nightly = state / "backups" / "nightly"
    assert main(["backup", str(nightly), "--config", str(file)]) == ExitCode.OK
    (backup,) = nightly.iterdir()
    for database_file in ("wabot.db", "own.db"):
        (state / database_file).write_bytes(b"rubbish" * 1000)
    file.with_name("broken.toml").write_text("[account]\nuser_id = 7\n")
    restore = f"wabot restore {backup} --config {file}"
    assert illnesses(file)["database"].cure.startswith(f"{restore}; ")
    assert illnesses(north)["database"].cure.startswith(f"{restore}; ")
    assert "restore DIRECTORY" in illnesses(own)["database"].cure
    assert main([*restore.split()[1:], "--yes"]) == ExitCode.OK
    (state / "wabot.db").write_bytes(b"rubbish" * 1000)
    of_north = shutil.copytree(backup, nightly / "north-20200101T000000Z")
    assert illnesses(north)["database"].cure.startswith(f"{restore}; "), "that is of another user"
    manifest = json.loads((of_north / MANIFEST).read_text())
    (of_north / MANIFEST).write_text(json.dumps({**manifest, "user_id": "north"}))
    assert illnesses(north)["database"].cure.startswith(f"wabot restore {of_north} --config {north}; ")


def test_a_database_of_a_newer_wabot(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("UPDATE wabot_migrations SET name = '9999_future' WHERE name LIKE '0001%'")
    assert "newer wabot" in illnesses(file)["database"].text


def test_alerts_that_a_channel_refuses(file: Path, state: Path, receiver: WebhookReceiver) -> None:
    file.write_text(file.read_text() + f'[alerts]\nwebhook_url = "{receiver.url}"\n')
    receiver.status = 404
    settings = load_settings(file, {})
    dispatcher = Dispatcher(settings)
    dispatcher.tell_failure(Problem(Condition.PROCESS_FAILED, values=(("unit", "x"),), subject="x"))
    assert not dispatcher.deliver_within(1)
    found = illnesses(file)["alerts"]
    assert found.text.startswith("by webhook: the web address answered 404, since 20")
    assert found.text.endswith("; none arrive so")
    assert "alert --test" in found.cure
    receiver.status = 204
    assert main(["alert", "--test", "--config", str(file)]) == 0
    assert "alerts" not in illnesses(file)
    assert dispatcher.deliver_within(1)
    assert receiver.kinds() == ["alert process_failed", "test", "alert process_failed"]


def test_own_tables_that_are_gone(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state / 'wabot.db'}") as opened:
        opened.execute_sql("DROP TABLE wabot_outbox")
    found = illnesses(file)["own tables"]
    assert found.text == "wabot_outbox are gone"
    assert found.cure.startswith("sudo systemctl restart ")


def test_a_budget_that_is_spent(file: Path, state: Path) -> None:
    with file.open("a") as text:
        text.write(
            'tokens_per_day = 9000\n[[ai.providers]]\nname = "gpt"\n'
            'base_url = "http://far.example/v1"\nmodel = "m"\ncalls_per_day = 5\n'
        )
    assert "ai budget" not in illnesses(file)
    today = datetime.now().astimezone().date().isoformat()
    with database(f"sqlite:///{state}/wabot.db"):
        ModelUsage.create(user_id="ana", day=today, provider="gpt", calls=5, refused_tokens=430)
    ill = illnesses(file)["ai budget"]
    assert ill.text == "gpt: 5 of 5 calls today: spent, so it is not asked"
    assert "raise calls_per_day" in ill.cure
    assert "[[ai.providers]] gpt" in ill.cure
    (state / "wabot.db").unlink()
    assert "ai budget" not in illnesses(file)


def with_users_of_an_application(state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("DELETE FROM wabot_facts")


def test_a_user_that_does_not_exist_and_those_that_do(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('"ana"', '"phantom"'))
    with_users_of_an_application(state)
    ill = illnesses(file)["user"]
    assert ill.text == "phantom is not in users; there are ana"
    assert ill.cure == f"set account.user_id to the one whose number it is in {file}"


def test_a_further_number_that_has_not_run_yet(file: Path, state: Path) -> None:
    """In wabot's own database it needs no user, and nowhere is it told to take another number's."""
    north = file.with_name("north.toml")
    north.write_text(file.read_text().replace('"ana"', '"north"'))
    assert illnesses(north).keys() == {"session store"}
    with_users_of_an_application(state)
    ill = illnesses(north)["user"]
    assert ill.text == "north is not in users, nor is any other without a configuration"
    assert ill.cure.startswith("register the user in the application")
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("INSERT INTO users VALUES ('zoe')")
    assert illnesses(north)["user"].text == "north is not in users; there are zoe"
    free = [f"a{number}" for number in range(9)] + ["zoe"]
    with database(f"sqlite:///{state}/wabot.db") as opened:
        for user_id in free[:-1]:
            opened.execute_sql("INSERT INTO users VALUES (?)", (user_id,))
    assert illnesses(north)["user"].text == f"north is not in users; there are {', '.join(free)}"
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("INSERT INTO users VALUES ('zoe2')")
    assert illnesses(north)["user"].text == f"north is not in users; there are {', '.join(free)}, …"


def test_an_applications_database_that_wabot_has_not_seen_yet(file: Path, state: Path) -> None:
    (state / "wabot.db").unlink()
    with contextlib.closing(sqlite3.connect(state / "wabot.db")) as opened:
        opened.execute("CREATE TABLE users (id TEXT PRIMARY KEY)")
    assert illnesses(file)["user"].text == "the table users is empty"


def test_each_configuration_is_read_with_its_own_secrets(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    text = file.read_text() + '[database]\nurl = "env:DATABASE_URL"\n'
    for name, user_id, file_name in (("shop", "ana", "wabot"), ("north", "north", "north")):
        file.with_name(f"{name}.toml").write_text(text.replace('"ana"', f'"{user_id}"'))
        file.with_name(f"{name}.env").write_text(f"DATABASE_URL=sqlite:///{state}/{file_name}.db\n")
    make_session(state / "sessions", "north", linked=False, used_at=utc_now())
    assert illnesses(file) == {}, "the other database decides about this directory"


def test_no_users_at_all(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("DELETE FROM users")
    with_users_of_an_application(state)
    assert "users is empty" in illnesses(file)["user"].text


def test_a_table_of_users_with_another_name(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql('ALTER TABLE users RENAME TO "User"')
    assert 'set database.tables.users = "User"' in illnesses(file)["user"].text


@pytest.fixture
def application(postgresql_url: str, file: Path) -> Iterator[Any]:
    """An existing application's database, and the configuration points at it."""
    with file.open("a") as text:
        text.write(f'[database]\nurl = "{postgresql_url}"\n')
    with database(postgresql_url) as opened:
        yield opened


@pytest.mark.postgresql
def test_the_foreign_key(application: Any, file: Path) -> None:
    create_application(application, foreign_key=False)
    add_user(application, "ana")
    ill = illnesses(file)["foreign key"]
    assert ill.text.startswith("absent")
    assert ill.cure.startswith(f"wabot janitor --apply --config {file}, then ")
    application.execute_sql(ill.cure.partition("database: ")[2])
    assert "foreign key" not in illnesses(file)
    application.execute_sql("ALTER TABLE whatsapp_connections DISABLE TRIGGER ALL")
    ill = illnesses(file)["foreign key"]
    assert ill.text.startswith("switched off")
    application.execute_sql(ill.cure.partition("database: ")[2])
    assert "foreign key" not in illnesses(file)


@pytest.mark.postgresql
def test_the_camel_case_trap(application: Any, file: Path) -> None:
    create_application(application)
    add_user(application, "ana")
    assert "names" not in illnesses(file)
    application.execute_sql("ALTER TABLE whatsapp_connections ADD COLUMN userId TEXT")
    ill = illnesses(file)["names"]
    assert '"userId" and userid' in ill.text
    application.execute_sql(ill.cure.partition("then: ")[2])
    assert "names" not in illnesses(file)


@pytest.mark.postgresql
def test_another_machine_on_the_same_database(application: Any, file: Path, tmp_path: Path) -> None:
    create_application(application)
    add_user(application, "ana")
    assert "second holder" not in illnesses(file)
    there = HostLock("ana", tmp_path / "vps2").acquire(0)
    ill = illnesses(file)["second holder"]
    assert ill.text.startswith(f"another machine has this session: PID {os.getpid()} on ")
    assert ill.cure.endswith("sudo systemctl disable --now wabot@shop.service")
    there.release()
    assert "second holder" not in illnesses(file)


@pytest.mark.postgresql
def test_a_database_that_takes_no_writes(application: Any, file: Path, postgresql_url: str) -> None:
    create_application(application)
    add_user(application, "ana")
    name = postgresql_url.rpartition("/")[2]
    application.execute_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "takes no writes" in illnesses(file)["database"].text


def test_a_second_configuration_for_the_same_user(file: Path, state: Path) -> None:
    shutil.copy(file, file.with_name("copy.toml"))
    assert "copy.toml is for user ana as well" in illnesses(file)["second holder"].text


def test_a_process_on_the_session_without_its_lock(file: Path, state: Path) -> None:
    store = state / "sessions" / "ana" / "whatsapp.db"
    command = [
        sys.executable,
        "-c",
        "import sys; f = open(sys.argv[1]); print('open', flush=True); input()",
        store,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as intruder:
        assert intruder.stdout is not None
        intruder.stdout.readline()
        ill = illnesses(file)["second holder"]
        assert f"process {intruder.pid}" in ill.text
        assert f"kill {intruder.pid}" in ill.cure
        intruder.communicate(b"\n")
    assert "second holder" not in illnesses(file)


def test_the_bot_itself_is_no_second_holder(file: Path, state: Path) -> None:
    bot = hold(state / "sessions" / "ana.lock")
    found = {finding.name: finding for finding in examine(file, {}, utc_now(), online=False)}
    assert found["session lock"].ok
    assert str(bot.pid) in found["session lock"].text
    assert found["session store"].text == "in use by the bot that runs"
    bot.communicate(timeout=10)


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("pairing", "sudo systemctl stop wabot@shop.service, then wabot pair --config "),
        ("backoff", "sudo journalctl -u wabot@shop.service -n 20"),
        ("banned", "wait: the bot dials again by itself"),
        ("cooldown", "look for another program on this number"),
        ("connected", ""),
        ("reconnecting", ""),
        ("logged_out", ""),
    ],
)
def test_a_bot_that_runs_and_is_not_on_the_line(file: Path, state: Path, said: str, cure: str) -> None:
    with database(f"sqlite:///{state}/wabot.db"):
        since = utc_now()
        # Said after the process began, whose start the lock tells.
        later = since + timedelta(seconds=5)
        Session.insert(user_id="ana", state=said, since=since, reason="why", updated_at=later).execute()
    bot = hold(state / "sessions" / "ana.lock")
    found = {finding.name: finding for finding in examine(file, {}, utc_now(), online=False)}["link"]
    assert found.ok == (not cure)
    assert found.text == f"{said} since {since:%Y-%m-%d %H:%M} UTC{': why' if cure else ''}"
    assert found.cure.startswith(cure)
    bot.communicate(timeout=10)
    assert "link" not in illnesses(file), "what it said is true only while it runs"


def test_two_bots_on_one_number_answer_twice(file: Path, state: Path) -> None:
    file.with_name("north.toml").write_text(file.read_text().replace('"ana"', '"ben"'))
    bots = [hold(state / "sessions" / f"{name}.lock") for name in ("ana", "ben")]
    with database(f"sqlite:///{state}/wabot.db"):
        later = utc_now() + timedelta(seconds=5)
        for user_id in ("ana", "ben"):
            said = {"state": "connected", "phone": "34600111222", "updated_at": later}
            Session.insert(user_id=user_id, **said).execute()
    ill = illnesses(file)["link"]
    assert ill.text == "north is linked to +34…22 as well: customers get every answer twice"
    assert ill.cure.startswith("sudo systemctl stop wabot@north.service, then wabot reset --config ")
    with database(f"sqlite:///{state}/wabot.db"):
        Session.update(phone="").execute()
    assert "link" not in illnesses(file)
    with database(f"sqlite:///{state}/wabot.db"):
        Session.update(phone="34600111222").execute()
    bots[1].communicate(timeout=10)
    assert "link" not in illnesses(file), "that one does not run"
    bots[0].communicate(timeout=10)


def test_a_link_that_does_not_come_back_for_minutes_is_ill(file: Path, state: Path) -> None:
    bot = hold(state / "sessions" / "ana.lock")
    since = utc_now() - timedelta(minutes=3)
    with database(f"sqlite:///{state}/wabot.db"):
        later = utc_now() + timedelta(seconds=5)
        Session.insert(user_id="ana", state="reconnecting", since=since, updated_at=later).execute()
    assert illnesses(file)["link"].text == f"reconnecting since {since:%Y-%m-%d %H:%M} UTC"
    bot.communicate(timeout=10)


def test_what_an_earlier_process_said_does_not_count(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="ana", state="banned", updated_at=utc_now() - timedelta(days=3)).execute()
    bot = hold(state / "sessions" / "ana.lock")
    found = {finding.name: finding for finding in examine(file, {}, utc_now(), online=False)}["link"]
    assert found.ok and found.text == "whoever holds the session has not said anything yet"
    bot.communicate(timeout=10)


def test_a_neighbour_that_cannot_be_read_may_be_for_any_user(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('user_id = "ana"', 'user_id = "shop"'))
    assert "other session" in illnesses(file)
    file.with_name("north.toml").write_text("[account]\nuser_id = “ana”\n")
    assert "other session" not in illnesses(file)


@pytest.mark.parametrize(
    ("end", "name", "cure"),
    [
        ("replaced", "second holder", "stop the other program"),
        ("logged_out", "last end", "wabot pair"),
        ("outdated", "last end", "where wabot was installed from"),
        ("failed", "last end", "sudo journalctl -u wabot@shop.service"),
    ],
)
def test_how_it_ended(file: Path, state: Path, end: str, name: str, cure: str) -> None:
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="ana", state=end, reason="why", updated_at=utc_now()).execute()
    ill = illnesses(file)[name]
    assert ill.text == f"the bot ended as {end}: why"
    assert ill.cure.startswith(cure)


def test_a_session_that_is_not_linked(file: Path, state: Path) -> None:
    with contextlib.closing(sqlite3.connect(state / "sessions/ana/whatsapp.db")) as store, store:
        store.execute("DELETE FROM whatsmeow_device")
    assert illnesses(file)["session store"].cure == f"wabot pair --config {file}"


def test_a_link_that_was_left_behind_when_the_user_was_renamed(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('user_id = "ana"', 'user_id = "shop"'))
    with database(f"sqlite:///{state}/wabot.db") as opened:
        require_user(opened, "shop")
    ill = illnesses(file)
    assert ill["session store"].text == "no number is linked"
    assert "+34…22 is linked for user ana, whom no configuration here names" in ill["other session"].text
    assert ill["other session"].cure == f'if that is the number of this bot: user_id = "ana" in {file}'
    with SessionLock(state / "sessions" / "ana.lock").acquire(0):
        assert "other session" not in illnesses(file), "a bot that runs uses it"
    file.with_name("other.toml").write_text(file.read_text().replace('"shop"', '"ana"'))
    assert "other session" not in illnesses(file)


def test_what_is_not_linked_or_of_another_user_is_no_session_to_use(file: Path, state: Path) -> None:
    (state / "sessions" / "ana").rename(state / "sessions" / "zoe")
    aside = Quarantine(state / "quarantine", state / "sessions")
    aside.take("zoe", "of another user", utc_now())
    make_session(state / "sessions", "ana", linked=False, used_at=utc_now())
    aside.take("ana", "not linked", utc_now())
    make_session(state / "sessions", "ana", linked=True, used_at=utc_now())
    (state / "sessions" / "ana" / "whatsapp.db").write_bytes(b"rubbish" * 1000)
    aside.take("ana", "damaged", utc_now())
    make_session(state / "sessions", "ben", linked=False, used_at=utc_now())
    make_session(state / "sessions", "cleo", linked=True, used_at=utc_now())
    (state / "sessions" / "cleo" / "whatsapp.db").write_bytes(b"rubbish" * 1000)
    ill = illnesses(file)
    assert ill["session store"].text == "no number is linked"
    assert "other session" not in ill


def test_a_bot_that_waits_for_a_number_while_another_is_linked(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('user_id = "ana"', 'user_id = "shop"'))
    bot = hold(state / "sessions" / "shop.lock")
    # After the lock was taken: what an earlier process wrote does not count.
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="shop", state="pairing", updated_at=utc_now()).execute()
    found = [finding for finding in examine(file, {}, utc_now(), online=False) if not finding.ok]
    bot.communicate(timeout=10)
    assert next(finding.text for finding in found if finding.name == "link") == "pairing"
    assert any("linked for user ana" in finding.text for finding in found)


def test_a_lock_that_cannot_be_looked_at_is_told_once(file: Path, state: Path) -> None:
    (state / "sessions" / "ana.lock").symlink_to("/dev/null")
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="ana", state="connected", updated_at=utc_now()).execute()
    found = [finding.name for finding in examine(file, {}, utc_now(), online=False) if not finding.ok]
    assert "session lock" in found and "link" not in found


def test_what_is_ill_is_shown_last_and_counted_by_name(
    file: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wabot.db", "sessions"):
        (state / name).chmod(0o777)
    assert main(["doctor", "--config", str(file)]) == ExitCode.FINDINGS
    lines = capsys.readouterr().out.splitlines()
    signs = [line[:3] for line in lines[:-1] if line[:3] in ("ok ", "ILL")]
    assert signs == sorted(signs, reverse=True)
    assert lines[-1] == "2 ill: permissions"


def test_a_model_is_named_once_in_what_is_wrong_with_it(file: Path, state: Path) -> None:
    with file.open("a") as text:
        text.write('[[ai.providers]]\nname = "own"\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n')
    ill = illnesses(file)["ai own"]
    assert ill.text == "no connection to it (nothing listens there)"


def test_a_link_that_was_moved_aside(file: Path, state: Path) -> None:
    entry = Quarantine(state / "quarantine", state / "sessions").take("ana", "wabot reset", utc_now())
    ill = illnesses(file)
    assert ill["session store"].text == "no number is linked"
    restore = f"wabot janitor --restore {entry.name} --config {file}"
    assert ill["other session"].cure == f"to use that one: {restore}"
    assert ill["other session"].text.endswith(" UTC: wabot reset")
    assert main(restore.split()[1:]) == 0
    assert illnesses(file) == {}


def test_a_damaged_session(file: Path, state: Path) -> None:
    (state / "sessions" / "ana" / "whatsapp.db").write_bytes(b"rubbish" * 1000)
    ill = illnesses(file)["session store"]
    assert "file is not a database" in ill.text
    assert ill.cure.startswith(f"wabot reset --config {file}")


def test_a_session_of_a_newer_library(file: Path, state: Path) -> None:
    with contextlib.closing(sqlite3.connect(state / "sessions/ana/whatsapp.db")) as store, store:
        store.execute("UPDATE whatsmeow_version SET version = 99, compat = 99")
    assert "newer client library" in illnesses(file)["session store"].text


def test_messages_that_wait_on_the_disk(file: Path, state: Path) -> None:
    spool = Spool(state / "sessions" / "ana" / "spool")
    assert "kept messages" not in illnesses(file)
    for minute in (7, 3):
        spool.append(Spooled(arrival("hello"), datetime(2026, 11, 22, 10, minute)))
    ill = illnesses(file)["kept messages"]
    assert ill.text == "2 wait on disk since 2026-11-22 10:03 UTC, because the database took none"
    assert ill.cure == f"wabot run --config {file}"
    bot = hold(state / "sessions" / "ana.lock")
    assert illnesses(file)["kept messages"].cure.startswith("sudo journalctl -u wabot@shop.service")
    bot.communicate(timeout=10)


def test_messages_that_were_set_aside(file: Path, state: Path) -> None:
    damaged = state / "sessions" / "ana" / "spool.damaged"
    damaged.write_bytes(b"half a message\n")
    ill = illnesses(file)["kept messages"]
    assert str(damaged) in ill.text
    assert f"rm {damaged}" in ill.cure


def test_leftovers(file: Path, state: Path) -> None:
    make_session(state / "sessions", "phantom", linked=True, used_at=utc_now())
    with database(f"sqlite:///{state}/wabot.db") as opened:
        add_row(opened, "ana", utc_now(), status="CONNECTED", isConnected=True)
    ill = illnesses(file)["leftovers"]
    assert "phantom" in ill.text
    assert main(ill.cure.split()[1:]) == ExitCode.OK
    assert "leftovers" not in illnesses(file)


def test_a_clock_that_is_wrong(file: Path, programs: Path) -> None:
    assert "before this program was installed" in illnesses(file, now=datetime(2020, 1, 1))["clock"].text
    install(programs, "timedatectl", "CanNTP=yes\nNTPSynchronized=yes\n")
    assert "clock" not in illnesses(file)
    install(programs, "timedatectl", "CanNTP=yes\nNTPSynchronized=no\n")
    assert "not synchronized" in illnesses(file)["clock"].text
    assert illnesses(file)["clock"].cure == "sudo timedatectl set-ntp true"
    install(programs, "timedatectl", "CanNTP=no\nNTPSynchronized=no\n")
    assert illnesses(file)["clock"].cure == "sudo apt-get install -y systemd-timesyncd"


def test_a_disk_that_is_full(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "disk" not in illnesses(file)
    monkeypatch.setattr(doctor_machine, "_LEAST_FREE_BYTES", 1 << 60)
    assert "MB are free" in illnesses(file)["disk"].text


def test_a_disk_without_room_for_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_LEAST_FREE_FILES", 1 << 60)
    assert "more files fit" in illnesses(file)["disk"].text


class _Model(BaseHTTPRequestHandler):
    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"choices": [{"message": {"role": "assistant", "content": "ready"}}]}'
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def model() -> Iterator[type[_Model]]:
    class Model(_Model):
        address = ""

    server = HTTPServer(("127.0.0.1", 0), Model)
    Model.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Model
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_model_that_does_not_answer(file: Path, state: Path, model: Any) -> None:
    with file.open("a") as text:
        text.write(f'[[ai.providers]]\nname = "mine"\nbase_url = "{model.address}/v1"\nmodel = "m"\n')
    assert illnesses(file) == {}
    model.status = 401
    ill = illnesses(file)["ai mine"]
    assert "it wants an api_key, and none is set" in ill.text
    assert "[[ai.providers]] mine" in ill.cure
    model.status = 503
    assert illnesses(file)["ai mine"].cure.startswith(
        "start it, or edit the base_url of [[ai.providers]] mine in"
    )


def with_model(file: Path, server: ProviderServer, more: str = "") -> None:
    with file.open("a") as text:
        text.write(f'[[ai.providers]]\nname = "mine"\nbase_url = "{server.base_url}"\nmodel = "tiny"\n{more}')


def test_a_model_is_asked_what_the_bot_asks(file: Path, state: Path, server: ProviderServer) -> None:
    """The persona, facts of the shop, two turns: what refuses one of them refuses every customer."""
    with_model(file, server)
    persona = file.parent / "persona.txt"
    persona.write_text("Eres Paco, el tendero.", encoding="utf-8")
    setting = f'[ai]\nsystem_prompt_file = "{persona}"\n'
    file.write_text(file.read_text().replace("[ai]\n", setting))
    assert illnesses(file) == {}
    (request,) = server.requests
    system, *turns = request.messages
    assert "Eres Paco" in system["content"]
    assert "From nine to five." in system["content"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert request.body["max_tokens"] == 400


def test_a_model_that_takes_less_than_the_bot_asks(file: Path, state: Path, server: ProviderServer) -> None:
    long_text = "".join(f"# Hours {number}\n" + "From nine to five. " * 30 for number in range(4))
    (file.parent / "texts" / "shop.md").write_text(long_text)

    def small(handler: Handler, body: dict[str, Any]) -> None:
        if len(json.dumps(body)) > 3500:
            handler.send_json({"error": {"type": "exceed_context_size_error", "n_ctx": 1200}}, 400)
        else:
            say("ready")(handler, body)

    server.default = small
    with_model(file, server)
    ill = illnesses(file)["ai mine"]
    assert "tiny takes no more than about" in ill.text
    assert "larger context" in ill.cure


@pytest.mark.parametrize(
    ("behaviour", "text", "cure"),
    [
        (status(402, text="Insufficient Balance"), "no credit left; it says: Insufficient", "add credit"),
        (
            json_status(429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}),
            "it answered 429 (insufficient_quota): the account there has no credit left",
            "add credit",
        ),
        (status(429, text="Too many requests"), "too many requests", "wait, or raise the limit"),
        (
            status(404, text='model "tiny" not found, try pulling it first'),
            "does not have",
            "ollama pull tiny",
        ),
        (status(404, text="page not found"), "nothing at this address", "with /v1"),
        (status(401, text="Incorrect API key"), "api_key", "edit the api_key of [[ai.providers]] mine"),
        (say("<think>hm"), "no further than thinking", "raise the max_tokens of [[ai.providers]] mine"),
        (status(400, text="System role and all else not supported"), "no message of the system", "edit"),
        (status(400, text="content_filter"), "refuses this text", "edit these texts"),
    ],
)
def test_the_cause_a_model_gives_and_the_next_step(
    file: Path, state: Path, server: ProviderServer, behaviour: Behaviour, text: str, cure: str
) -> None:
    server.default = behaviour
    with_model(file, server)
    ill = illnesses(file)["ai mine"]
    assert text in ill.text
    assert cure in ill.cure


def test_what_a_provider_says_shows_no_key(
    file: Path, state: Path, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "sk-secret-0123456789")
    server.default = status(401, text="Incorrect API key provided: sk-secret-0123456789\nsee \x1b[31m there")
    with_model(file, server, 'api_key = "env:KEY"\n')
    ill = illnesses(file)["ai mine"]
    assert "it says: Incorrect API key provided: ***" in ill.text
    assert "sk-secret" not in str(ill)
    assert "\x1b" not in str(ill)


def test_a_model_elsewhere_is_left_alone_unless_told(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing may leave this machine, so the way out leads nowhere.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with file.open("a") as text:
        text.write('[[ai.providers]]\nname = "far"\nbase_url = "https://model.invalid/v1"\nmodel = "m"\n')
    assert illnesses(file) == {}
    assert illnesses(file, online=True).keys() == {"ai far", "network"}


def test_the_way_to_whatsapp(file: Path, state: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_WHATSAPP", model.address)
    assert illnesses(file, online=True) == {}
    monkeypatch.setattr(doctor_machine, "_CLOCK_TOLERANCE_SECONDS", -1)
    assert "off WhatsApp's time" in illnesses(file, online=True)["clock"].text
    monkeypatch.setattr(doctor_machine, "_WHATSAPP", "http://127.0.0.1:1/")
    assert "cannot be reached" in illnesses(file, online=True)["network"].text


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("LoadState", "not-found", "sudo scripts/install"),
        ("LoadState", "masked", "sudo scripts/install"),
        ("UnitFileState", "disabled", "sudo systemctl enable wabot.service"),
        ("ActiveState", "failed", "as the other lines say, or sudo journalctl -u wabot.service -n 50"),
        ("Type", "simple", "sudo systemctl revert wabot.service"),
        ("NotifyAccess", "none", "sudo systemctl revert wabot.service"),
        ("WatchdogUSec", "0", "sudo systemctl revert wabot.service"),
        ("Environment", "", "sudo systemctl revert wabot.service"),
        ("Environment", "NEONIZE_BOT_TAG=off", "sudo systemctl revert wabot.service"),
        ("NeedDaemonReload", "yes", "sudo systemctl daemon-reload"),
    ],
)
def test_the_unit(name: str, value: str, cure: str) -> None:
    assert judge_unit("wabot.service", HEALTHY_UNIT) == []
    (ill,) = judge_unit("wabot.service", {**HEALTHY_UNIT, name: value})
    assert ill.cure.startswith(cure)


def test_a_unit_that_is_started_again_and_again() -> None:
    starting = {**HEALTHY_UNIT, "ActiveState": "activating"}
    assert judge_unit("wabot.service", starting) == []
    assert judge_unit("wabot.service", {**HEALTHY_UNIT, "NRestarts": "3"}) == [], "it got over that"
    (ill,) = judge_unit("wabot.service", {**starting, "NRestarts": "3"})
    assert ill.text == "wabot.service ends by itself and is started again (restarts: 3): nobody is answered"
    assert judge_unit("wabot.service", {**starting, "SubState": "auto-restart"})
    assert judge_unit("wabot.service", {**starting, "SubState": "start"}) == []
    assert ill.cure.endswith("sudo journalctl -u wabot.service -n 50")


def test_systemd_knows_no_watchdog_before_the_first_start() -> None:
    stopped = {**HEALTHY_UNIT, "ActiveState": "inactive", "WatchdogUSec": "infinity"}
    (ill,) = judge_unit("wabot.service", stopped)
    assert ill.text == "wabot.service is stopped: nobody is answered"


def test_the_unit_as_systemd_shows_it(file: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "CONFIGURATIONS", file.parent)
    assert "unit" not in illnesses(file), "no systemd is no illness"
    shown = "\n".join(f"{name}={value}" for name, value in HEALTHY_UNIT.items())
    install(programs, "systemctl", shown)
    assert not {"unit", "janitor timer"} & illnesses(file).keys()
    install(programs, "systemctl", shown.replace("enabled", "disabled"))
    ill = illnesses(file)
    assert ill["unit"].cure == "sudo systemctl enable wabot@shop.service"
    assert ill["janitor timer"].cure == "sudo systemctl enable --now wabot-janitor@shop.timer"


@pytest.mark.parametrize("shared", [True, False])
def test_one_timer_cleans_for_all_that_share_state_and_database(
    file: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: bool
) -> None:
    monkeypatch.setattr(doctor_machine, "CONFIGURATIONS", file.parent)
    install(programs, "systemctl", "\n".join(f"{name}={value}" for name, value in HEALTHY_UNIT.items()))
    program = programs / "systemctl"
    program.write_text(
        program.read_text() + 'case "$*" in *wabot-janitor@*) echo; echo UnitFileState=disabled; esac\n'
    )
    assert "janitor timer" in illnesses(file), "the program says so"
    state = tmp_path / "state" if shared else tmp_path / "elsewhere"
    (tmp_path / "wabot.toml").write_text(f'[account]\nuser_id = "bea"\n[paths]\nstate = "{state}"\n')
    assert ("janitor timer" in illnesses(file)) == (not shared)


def test_the_client_library(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "neonize" not in illnesses(file)
    assert "shuts out old clients" in illnesses(file, now=utc_now() + timedelta(days=400))["neonize"].text
    monkeypatch.setattr(doctor_library, "NEONIZE_VERSION", "0.0.1")
    assert "measured with 0.0.1" in illnesses(file)["neonize"].text


@pytest.mark.parametrize("content", [b"other", None])
def test_a_client_library_that_is_not_as_it_was_installed(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """A copy of its description, beside a Go half that is another one, or none."""
    library = importlib.metadata.distribution("neonize")
    record = next(
        Path(str(library.locate_file(each))) for each in library.files or () if each.name == "RECORD"
    )
    shutil.copytree(record.parent, tmp_path / record.parent.name)
    half = next(each for each in library.files or () if each.suffix == ".so")
    if content is not None:
        (tmp_path / half).parent.mkdir()
        (tmp_path / half).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    assert illnesses(file)["neonize"].text == f"{tmp_path / half} is not as it was installed"
    (tmp_path / half).parent.mkdir(exist_ok=True)
    (tmp_path / half).unlink(missing_ok=True)
    (tmp_path / half).symlink_to(library.locate_file(half))
    assert "neonize" not in illnesses(file)


def test_the_measured_library_is_the_one_that_is_installed_with_wabot() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(REPOSITORY / "setup.cfg")
    assert f"neonize == {NEONIZE_VERSION}" in metadata["options"]["install_requires"]


def test_libmagic(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    assert illnesses(file)["libmagic"].cure == "sudo apt-get install -y libmagic1"


def _run_cure(cure: str) -> None:
    subprocess.run(cure.removeprefix("sudo ").split(), check=True, env={"PATH": "/bin:/usr/bin"})
