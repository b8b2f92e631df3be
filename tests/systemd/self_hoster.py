"""What a self-hoster does on a bare machine: brings a checkout, types commands, links the number."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.systemd import bare_machine
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import REPOSITORY, Container
from tests.systemd.launcher import command_inside
from wabot.emulator.server.doorway import AUTHORITY_VARIABLES
from wabot.emulator.server.emulator import Emulator

# A mark for each, so that they can run side by side.
RELEASES = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in bare_machine.PYTHON_OF]

USER, HOME, WHEELS = "pia", Path("/home/pia"), Path("/opt/wheelhouse")
_MIGRATION = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE wabot_from_the_future (id INTEGER)')\n"
# For a release that starts hardly ever: pip takes half of an installation to compile what it installs.
UNCOMPILED = ("PIP_COMPILE=0",)
PIP_CONFIGURATION = f"[global]\nno-index = true\nfind-links = {WHEELS}\n"


@contextmanager
def bare_machine_with(checkouts: Mapping[str, Path], release: str) -> Iterator[Container]:
    """A booted machine without wabot, Python or a network, and with a user who may `sudo`.

    Args:
        checkouts: what stands in her home directory, by the name it has there.
        release: Debian's name for it.

    Raises:
        Unavailable: this machine cannot make one.
    """
    with bare_machine.in_memory() as directory:
        root, wheels = Path(directory, "root"), Path(directory, "wheels")
        for made in (root, wheels):
            made.mkdir()
        pins = {(checkout / "scripts" / "requirements.txt").read_text() for checkout in checkouts.values()}
        bare_machine.make(release, root)
        for number, each in enumerate(pins):
            file = Path(directory, f"requirements-{number}.txt")
            file.write_text(each)
            bare_machine.download_wheels(release, file, wheels)
        with Container(Path(directory, "machine"), {wheels: WHEELS}, base=root) as booted:
            assert booted.run("sh", "-c", "command -v python3", check=False).stdout == ""
            booted.write("/etc/pip.conf", PIP_CONFIGURATION)
            booted.write(f"/etc/sudoers.d/{USER}", f"{USER} ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
            booted.run("useradd", "--create-home", "--shell", "/bin/bash", USER)
            booted.run("chmod", "700", str(HOME))
            for name, checkout in checkouts.items():
                give(booted, checkout, name)
            yield booted


def copy_checkout(checkout: Path, to: Path) -> None:
    """What an unpacked release holds, without the tests."""
    left_out = shutil.ignore_patterns(".*", "tests", "*.egg-info", "__pycache__")
    shutil.copytree(checkout, to, ignore=left_out, dirs_exist_ok=True)


def give(machine: Container, checkout: Path, name: str) -> Path:
    """Put a copy of a checkout into the home directory of the user, whose it is.

    Returns:
        Where it is, from outside.
    """
    copy_checkout(checkout, machine.path(HOME / name))
    machine.run("chown", "-R", f"{USER}:", str(HOME / name))
    return machine.path(HOME / name)


def give_bad_release(machine: Container) -> None:
    """One that changes the database and then never gets ready, in the directory `bad`."""
    bad = give(machine, REPOSITORY, "bad")
    (bad / "wabot" / "database" / "migrations" / "9999_from_the_future.py").write_text(_MIGRATION)
    service = bad / "wabot" / "service" / "service.py"
    broken = service.read_text().replace("self._notifier.ready()", "raise RuntimeError('a bad release')")
    assert broken != service.read_text()
    service.write_text(broken)


def type_in(
    machine: Container, command: str, checkout: str = "wabot", check: bool = True
) -> subprocess.CompletedProcess[str]:
    """What the user types, in a checkout below her home directory."""
    shell = ("runuser", "-l", USER, "-c", f"cd {checkout} && {command}")
    return machine.run(*shell, check=check, timeout_seconds=400)


def install(
    machine: Container,
    *options: str,
    checkout: str = "wabot",
    check: bool = True,
    variables: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run the installer of a checkout, as the handbook says.

    Args:
        machine: where.
        options: of the installer.
        checkout: the directory below her home.
        check: whether it has to succeed.
        variables: for its environment, as UNCOMPILED.
    """
    return type_in(machine, " ".join(["sudo", *variables, "scripts/install", *options]), checkout, check)


def ask(emulator: Emulator, text: str) -> str:
    """A customer's message; the reply to it."""
    customer = emulator.customer(1)
    said = len(customer.replies)
    customer.send(text)
    return customer.wait_for_replies(said + 1)[said].text


def owner(machine: Container, path: str) -> str:
    """Whose a file is, and who may do what with it."""
    return machine.run("stat", "--format", "%U:%G %a", path).stdout.strip()


def of_others(machine: Container, directory: str, user: str) -> str:
    """What in a directory does not belong to a user."""
    return machine.run("find", directory, "-not", "-user", user).stdout


def everything(machine: Container) -> str:
    """The name of every file that an installation could touch."""
    return machine.run("find", "/opt", "/etc", "/usr", "/var/lib", "/home", "-xdev").stdout


def link_and_start(machine: Container, emulator: Emulator) -> None:
    """From the installation to the bot that is connected."""
    bot = BotUnit(machine, emulator)
    bot.override()
    pair(machine, emulator)
    assert of_others(machine, "/var/lib/wabot", "wabot") == "", "root typed `wabot pair`"
    type_in(machine, "sudo systemctl enable --now wabot")
    bot.wait_for_state("connected")
    assert "wabot: connected as +" in type_in(machine, "sudo wabot status").stdout


def pair(machine: Container, emulator: Emulator) -> None:
    """`wabot pair` typed by root, scanned by the owner."""
    machine.write("/tmp/ca.pem", Path(emulator.environment({})["SSL_CERT_FILE"]).read_text())
    environment = emulator.environment({}) | dict.fromkeys(AUTHORITY_VARIABLES, "/tmp/ca.pem")
    variables = [f"{name}={value}" for name, value in environment.items()]
    command = command_inside(machine, emulator, "pair")
    outcome: list[subprocess.CompletedProcess[str]] = []
    typing = threading.Thread(
        target=lambda: outcome.append(machine.run("env", *variables, *command, check=False))
    )
    typing.start()
    code = ""

    def shown() -> bool:
        nonlocal code
        answer = machine.run("/usr/local/bin/wabot", "status", "--json", check=False).stdout
        code = (json.loads(answer)["sessions"][0]["qr"] or "") if answer else ""
        return bool(code) or not typing.is_alive()

    machine.wait_until(shown, "wabot.service")
    assert code, outcome
    emulator.phone.scan(code)
    typing.join(60)
    assert outcome[0].returncode == 0, outcome[0].stderr
    assert "Ready: linked as" in outcome[0].stdout
