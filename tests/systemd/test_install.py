"""scripts/install on bare machines with a booted systemd, from nothing to the first answer, and back.

What a VPS is like: a user who may `sudo`, the checkout in her home directory, and no Python.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from tests.support.handbook import HANDBOOK, blocks_of, section_of
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import REPOSITORY, Container
from tests.systemd.hostile import HOT, attack
from tests.systemd.self_hoster import (
    HOME,
    RELEASES,
    UNCOMPILED,
    USER,
    ask,
    everything,
    give,
    give_bad_release,
    install,
    link_and_start,
    of_others,
    owner,
    type_in,
)
from wabot import __version__
from wabot.emulator.server.emulator import Emulator

pytestmark = [
    *(pytest.mark.systemd, pytest.mark.bare, pytest.mark.timeout(1500)),
    pytest.mark.parametrize("machine", RELEASES, indirect=True, scope="session"),
]

QUESTION = "Hola, ¿cuánto cuesta el envío a domicilio?"
MANUAL_PAGE, COMPLETION = (
    "/usr/local/share/man/man1/wabot.1",
    "/usr/local/share/bash-completion/completions/wabot",
)
_COMPLETED = 'COMP_WORDS=(wabot stat) COMP_CWORD=1; _wabot; echo "${COMPREPLY[@]}"'
_COUNT = """
import sqlite3, sys
for file in sys.argv[1:]:
    names = sqlite3.connect(file).execute("SELECT name FROM sqlite_master")
    print(("wabot_from_the_future",) in names)
"""
# What the kernel does when ssh breaks off: SIGHUP, and writing fails from then on.
_TERMINAL_GOES = """
import os, pty, signal, sys
child, terminal = pty.fork()
if not child:
    # Whoever runs the tests may have them ignore it, and that is inherited.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.execv(sys.argv[1], [sys.argv[1], "--upgrade"])
said = b""
while b"Stopping " not in said:
    said += os.read(terminal, 1000)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
# Signals go to the whole group, as from a terminal; a shell would start it deaf to them.
_CTRL_C_TWICE = """
import os, signal, subprocess, sys
installer = subprocess.Popen(
    [sys.argv[1], "--upgrade"],
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
    start_new_session=True,
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
)
for line in installer.stderr:
    print(line, end="")
    if line.startswith(("Stopping ", "Going back")):
        os.killpg(installer.pid, signal.SIGINT)
print(installer.wait())
"""


@pytest.fixture(scope="module")
def emulator(machine: Container) -> Iterator[Emulator]:
    with machine.in_network(Emulator) as running:
        yield running


@pytest.fixture
def installed(machine: Container, emulator: Emulator) -> Container:
    """The machine with the bot at work, also where no test before this one has put it there."""
    if not machine.path("/opt/wabot").is_symlink():
        install(machine)
        link_and_start(machine, emulator)
    return machine


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
    told = install(machine, "--dry-run").stderr
    assert "would run: apt-get install -y python3 python3-venv libmagic1\n" in told
    assert "would run: systemctl daemon-reload\n" in told
    assert "Installing" not in told
    told = install(machine, "--uninstall", "--purge", "--dry-run").stderr
    assert "would run: rm -rf " in told
    assert "Removed" not in told
    assert everything(machine) == before
    assert install(machine, "--upgrade", check=False).returncode == 69


def test_who_may_not_is_told_what_to_type(machine: Container) -> None:
    for typed in ("scripts/install", "scripts/install --uninstall --purge"):
        refused = type_in(machine, typed, check=False)
        assert (refused.returncode, refused.stdout) == (69, "")
        assert refused.stderr.endswith(f"only root can do this; type: sudo {typed}\n")
    without_python = type_in(machine, "scripts/demo", check=False)
    assert without_python.returncode == 69
    assert "sudo apt-get install -y python3 python3-venv libmagic1\n" in without_python.stderr


def test_from_nothing_to_the_first_answer(machine: Container, emulator: Emulator) -> None:
    told = install(machine).stderr
    for command in ("sudoedit /etc/wabot/wabot.toml", "sudo wabot pair", "sudo systemctl enable --now wabot"):
        assert command in told
    assert owner(machine, "/etc/wabot") == "root:wabot 750"
    assert owner(machine, "/etc/wabot/wabot.toml") == "root:wabot 640"
    assert owner(machine, "/etc/wabot/knowledge/tienda.es.md") == "root:wabot 640"
    assert owner(machine, "/var/lib/wabot") == "wabot:wabot 700"
    assert machine.property("wabot-janitor.timer", "ActiveState") == "active"
    assert "neonize 0.5.2" in type_in(machine, "sudo wabot version").stdout
    assert of_others(machine, str(HOME), USER) == "", "the checkout is hers"
    compiled = "cd /opt/wabot/lib/*/site-packages && ls -d */__pycache__ */service/__pycache__"
    found = machine.run("sh", "-c", compiled).stdout.split()
    assert "wabot/service/__pycache__" in found, "its user may not write there"
    assert "phonenumbers/__pycache__" not in found, "which nobody loads"
    assert "put sudo before the command" in type_in(machine, "wabot status", check=False).stderr
    assert machine.run("cat", MANUAL_PAGE).stdout.startswith(".TH WABOT 1 ")
    assert machine.run("bash", "-c", f". {COMPLETION}; {_COMPLETED}").stdout == "status\n"
    assert "\n    sudo systemctl start wabot\n" in type_in(machine, "wabot help operate").stdout, (
        "anybody may"
    )
    illnesses = type_in(machine, "sudo wabot doctor", check=False).stdout.split("\nILL  ")[1:]
    assert [each.partition(":")[0] for each in illnesses if not each.startswith("clock")] == [
        "database",
        "session store",
        "unit",
        "unit",
    ], illnesses
    assert "wabot.service is not enabled" in illnesses[2]
    assert "wabot.service is stopped" in illnesses[3]

    link_and_start(machine, emulator)
    assert "env" in ask(emulator, QUESTION).lower()


def test_a_backup_is_restored(installed: Container, emulator: Emulator) -> None:
    machine = installed
    type_in(machine, "sudo wabot backup /var/backups/wabot")
    type_in(machine, "sudo systemctl stop wabot")
    asked = type_in(machine, "echo y | sudo wabot restore /var/backups/wabot").stdout
    assert "/var/lib/wabot/wabot.db" in asked
    type_in(machine, "sudo systemctl start wabot")
    BotUnit(machine, emulator).wait_for_state("connected")
    assert of_others(machine, "/var/lib/wabot", "wabot") == ""
    assert ask(emulator, "Do you have gift cards?")


def test_nothing_that_root_types_helps_whoever_is_the_user_of_the_bot(
    installed: Container, emulator: Emulator
) -> None:
    machine = installed
    type_in(machine, "sudo systemctl stop wabot")

    def typed(command: str) -> str:
        done = type_in(machine, f"sudo wabot {command}", check=False)
        return done.stdout + done.stderr

    # The rest has nothing to do with which Debian this is.
    attack(machine, typed, HOT)
    type_in(machine, "sudo systemctl start wabot")
    BotUnit(machine, emulator).wait_for_state("connected")


def test_without_systemd(installed: Container) -> None:
    """The commands of the handbook; without a network the last one goes on trying until it is stopped."""
    machine = installed
    without_systemd = section_of(HANDBOOK["install"], "Without systemd")
    (settings,) = blocks_of(without_systemd, "toml")
    (commands,) = blocks_of(without_systemd)
    machine.path(HOME / "texts").mkdir()
    machine.path(HOME / "texts" / "shop.md").write_text("# Shop\nShipping is 5 euros.\n")
    machine.path(HOME / "wabot.toml").write_text(settings)
    machine.run("chown", "-R", f"{USER}:", str(HOME))
    *before, run = commands.splitlines()
    for command in before:
        type_in(machine, command)
    shown = type_in(machine, f"timeout --preserve-status --signal INT 10 {run}").stderr
    assert f"user default, configuration: {HOME}/wabot.toml" in shown
    assert "knowledge: 1 passages in 1 files" in shown and "state: backoff" in shown
    assert machine.path(HOME / ".local/state/wabot/wabot.db").exists()


def test_only_a_failure_for_good_is_told(installed: Container, emulator: Emulator) -> None:
    """systemd 257 of Debian 13 hears OnFailure= before each restart, too, that of Debian 12 does not."""
    machine, bot, alert = installed, BotUnit(installed, emulator), "wabot-alert@wabot.service"
    began = machine.cursor()
    logins = emulator.bot.logins
    machine.run("systemctl", "kill", "--signal=KILL", "wabot.service")
    emulator.wait_for_login(logins + 1)
    bot.wait_for_state("connected")
    told = [line.message for line in machine.journal(alert, began)]
    assert not any("wabot.service failed" in line for line in told), told
    good = machine.path("/etc/wabot/wabot.toml").read_text()
    machine.path("/etc/wabot/wabot.toml").write_text("[typo]\n")
    machine.run("systemctl", "restart", "wabot.service", check=False)
    machine.path("/etc/wabot/wabot.toml").write_text(good)
    machine.wait_until(
        lambda: any("wabot.service failed" in line.message for line in machine.journal(alert, began)), alert
    )
    machine.run("systemctl", "start", "wabot.service")
    bot.wait_for_state("connected")


def test_an_upgrade_that_does_not_get_ready_is_taken_back(installed: Container, emulator: Emulator) -> None:
    machine = installed
    give_bad_release(machine)
    release = str(machine.path("/opt/wabot").readlink())
    failed = install(machine, checkout="bad", check=False, variables=UNCOMPILED)
    assert failed.returncode == 1
    assert "going back to the version before" in failed.stderr, failed.stderr
    assert "put back: " in failed.stdout
    why = "Nothing has changed. Why it failed: sudo journalctl -u wabot.service -n 50"
    assert why in failed.stderr + failed.stdout
    assert str(machine.path("/opt/wabot").readlink()) == release
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == 1
    BotUnit(machine, emulator).wait_for_state("connected")
    database = "/var/lib/wabot/wabot.db"
    # A restore may have left others.
    replaced = max(machine.path("/var/lib/wabot").glob("wabot.db.replaced-*Z"))
    replaced_database = f"/var/lib/wabot/{replaced.name}"
    found = machine.run("/opt/wabot/bin/python", "-c", _COUNT, database, replaced_database).stdout
    assert found == "False\nTrue\n"
    assert of_others(machine, "/var/lib/wabot", "wabot") == ""
    ask(emulator, "Hola otra vez")


def test_who_presses_ctrl_c_twice_has_what_was_there_before(installed: Container, emulator: Emulator) -> None:
    """The first stops the upgrade; the second must not stop the way back."""
    machine = installed
    release = str(machine.path("/opt/wabot").readlink())
    installer = f"{HOME}/wabot/scripts/install"
    command = ("env", *UNCOMPILED, "/opt/wabot/bin/python", "-c", _CTRL_C_TWICE, installer)
    impatient = machine.run(*command, timeout_seconds=400).stdout
    assert "\nInterrupted.\nGoing back to the version before …\nStarting wabot.service " in impatient
    assert impatient.endswith(" …\nNothing has changed.\n130\n")
    assert str(machine.path("/opt/wabot").readlink()) == release
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == 1
    BotUnit(machine, emulator).wait_for_state("connected")
    assert machine.property("wabot-janitor.timer", "ActiveState") == "active"


def test_an_upgrade_whose_terminal_goes_is_taken_back(installed: Container, emulator: Emulator) -> None:
    machine = installed
    release = str(machine.path("/opt/wabot").readlink())
    installer = f"{HOME}/wabot/scripts/install"
    command = ("env", *UNCOMPILED, "/opt/wabot/bin/python", "-c", _TERMINAL_GOES, installer)
    assert machine.run(*command, timeout_seconds=400).stdout == "129\n"
    assert str(machine.path("/opt/wabot").readlink()) == release
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == 1
    BotUnit(machine, emulator).wait_for_state("connected")
    assert machine.property("wabot-janitor.timer", "ActiveState") == "active"


def test_a_version_that_cannot_even_be_loaded_stops_nothing(installed: Container) -> None:
    machine = installed
    broken = give(machine, REPOSITORY, "broken") / "wabot" / "cli" / "parser.py"
    broken.write_text("import nothing_of_this_name\n")
    pid = machine.property("wabot.service", "MainPID")
    refused = install(machine, checkout="broken", check=False, variables=UNCOMPILED)
    assert refused.returncode == 1
    assert refused.stderr.endswith("this version cannot be started, as is said above; nothing has changed.\n")
    assert machine.property("wabot.service", "MainPID") == pid
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == 1


def test_a_configuration_the_new_version_refuses_stops_nothing(installed: Container) -> None:
    machine = installed
    machine.write("/etc/wabot/other.toml", "[typo]\n")
    pid = machine.property("wabot.service", "MainPID")
    refused = install(machine, check=False, variables=UNCOMPILED)
    machine.path("/etc/wabot/other.toml").unlink()
    assert refused.returncode == 1
    assert "does not accept /etc/wabot/other.toml; nothing has changed" in refused.stderr
    assert machine.property("wabot.service", "MainPID") == pid
    assert len(list(machine.path("/opt/wabot.releases").iterdir())) == 1


def test_a_dry_run_of_an_upgrade_stops_nothing(installed: Container) -> None:
    pid = installed.property("wabot.service", "MainPID")
    told = install(installed, "--upgrade", "--dry-run").stderr
    assert "would run: systemctl stop wabot.service" in told and "apt-get" not in told
    assert not [line for line in told.splitlines() if not line.startswith("would run: ")], told
    assert installed.property("wabot.service", "MainPID") == pid


def test_uninstall_keeps_what_is_the_owners(installed: Container) -> None:
    machine = installed
    with machine.path("/etc/wabot/wabot.toml").open("a") as configuration:
        configuration.write("# mine\n")
    told = install(machine, "--uninstall").stderr
    assert "Removed. Kept: /etc/wabot, /var/lib/wabot" in told
    assert "to have all of it again: sudo systemctl enable --now wabot.service\n" in told
    assert not machine.path("/opt/wabot").is_symlink()
    assert not machine.path("/opt/wabot.releases").exists()
    assert not list(machine.path("/etc/systemd/system").glob("wabot*.service"))
    assert not machine.path("/usr/local/bin/wabot").is_symlink()
    assert not list(machine.path("/usr/local/share").rglob("wabot*"))
    assert machine.path("/etc/wabot/wabot.toml").read_text().endswith("# mine\n")
    assert machine.path("/var/lib/wabot/wabot.db").exists()
    again = install(machine, "--uninstall")
    assert again.returncode == 0, "twice does no harm"
    assert "wabot was not installed. Kept: " in again.stderr
    machine.write("/etc/wabot/north.toml", '[account]\nuser_id = "north"\n')
    told = install(machine, variables=UNCOMPILED).stderr
    assert "sudo wabot doctor" in told and "sudo wabot pair" not in told, "a number is linked"
    assert "sudo systemctl enable --now wabot wabot@north " in told
    assert machine.path("/etc/wabot/wabot.toml").read_text().endswith("# mine\n")


def test_purge_leaves_nothing(machine: Container) -> None:
    machine.write("/etc/credstore/wabot.ai-api-key", "sk-1", mode=0o600)
    machine.write("/etc/systemd/system/wabot@north.service.d/override.conf", "[Service]\n")
    backup = "/var/lib/wabot/backups/nightly/wabot-20260101T000000Z"
    machine.run("runuser", "-u", "wabot", "--", "mkdir", "--parents", "--mode=700", backup)
    kept = install(machine, "--uninstall", "--purge").stderr
    assert "Kept: /var/lib/wabot/backups" in kept, "nobody could be asked"
    assert of_others(machine, "/var/lib/wabot", "wabot") == ""
    assert not machine.path("/var/lib/wabot/wabot.db").exists()
    install(machine, "--uninstall", "--purge", "--yes")
    for gone in ("/etc/wabot", "/var/lib/wabot", "/etc/credstore/wabot.ai-api-key"):
        assert not machine.path(gone).exists()
    assert machine.run("getent", "passwd", "wabot", check=False).returncode == 2
    assert not list(machine.path("/etc/systemd/system").glob("wabot*"))


def test_an_upgrade_from_the_previous_version_keeps_everything(machine: Container) -> None:
    install(machine, "--uninstall", "--purge", "--yes")
    with machine.in_network(Emulator) as elsewhere:
        install(machine, checkout="previous", variables=UNCOMPILED)
        again = install(machine, variables=UNCOMPILED).stderr
        assert f"Upgraded from wabot {__version__} to {__version__}." in again
        assert "The copies of the databases" not in again, "there is none yet"
        install(machine, checkout="previous")
        link_and_start(machine, elsewhere)
        ask(elsewhere, QUESTION)
        with machine.path("/etc/wabot/wabot.toml").open("a") as configuration:
            configuration.write("# mine\n")
        machine.path("/etc/wabot/knowledge/tienda.es.md").unlink()
        release, logins = str(machine.path("/opt/wabot").readlink()), elsewhere.bot.logins
        told = install(machine, "--upgrade").stderr
        assert "Upgraded from wabot " in told and "goes back" not in told
        assert "The copies of the databases from before are in /var/lib/wabot/backups/" in told
        assert str(machine.path("/opt/wabot").readlink()) != release
        assert machine.path(release).is_dir(), "the way back"
        bot = BotUnit(machine, elsewhere)
        bot.wait_for_state("connected")
        assert elsewhere.bot.logins == logins + 1
        assert machine.path("/etc/wabot/wabot.toml").read_text().endswith("# mine\n")
        assert not machine.path("/etc/wabot/knowledge/tienda.es.md").exists()
        (copy,) = machine.path("/var/lib/wabot/backups").glob("*/0.db")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        ask(elsewhere, "Do you have gift cards?")
        assert bot.rows("SELECT count(*) FROM wabot_inbox") == [[2]]
