"""One container for all tests of this folder, and a bot on a new machine for each."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import repeat_unanswered
from tests.support.alert_receivers import WebhookReceiver
from tests.support.provider_server import ProviderServer
from tests.systemd import bare_machine
from tests.systemd import container as container_module
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import REPOSITORY, Container
from tests.systemd.self_hoster import bare_machine_with, copy_checkout
from wabot.emulator.server.emulator import Emulator

MakeUnit = Callable[..., BotUnit]


@pytest.fixture(scope="session")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A booted systemd with the unit files installed and nothing started."""
    reason = container_module.missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    directory: Path = tmp_path_factory.mktemp("systemd") / "machine"
    with Container(directory) as booted:
        yield booted


@pytest.fixture
def emulator(container: Container) -> Iterator[Emulator]:
    """WhatsApp on the loopback interface of the container."""
    with container.in_network(Emulator) as running:
        yield running


@pytest.fixture
def model(container: Container) -> Iterator[ProviderServer]:
    """A model in the container's network that repeats what it is asked."""
    server = container.in_network(lambda: ProviderServer(repeat_unanswered()))
    with server:
        yield server


@pytest.fixture
def receiver(container: Container) -> Iterator[WebhookReceiver]:
    """A web address of the owner's in the container's network."""
    with container.in_network(WebhookReceiver) as running:
        yield running


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as the last commit but one has it; where there is no such commit, a copy of this one."""
    directory = tmp_path_factory.mktemp("previous")
    # The repository may be another user's than root's, whom the tests run as.
    git = ["git", "-c", "safe.directory=*", "-C", str(REPOSITORY)]
    archive = subprocess.run([*git, "archive", "HEAD^"], capture_output=True, check=False)
    if archive.returncode:
        copy_checkout(REPOSITORY, directory)
    else:
        subprocess.run(["tar", "--extract", "--directory", directory], input=archive.stdout, check=True)
    return directory


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest, previous: Path) -> Iterator[Container]:
    """A machine that has never heard of wabot, with this checkout and the one before it."""
    reason = bare_machine.missing()
    checkouts = {"wabot": REPOSITORY, "previous": previous}
    with ExitStack() as opened:
        try:
            if not reason:
                booted = opened.enter_context(bare_machine_with(checkouts, request.param))
        except bare_machine.Unavailable as error:
            reason = str(error)
        if reason and os.environ.get("CI") == "true":
            pytest.fail(reason)
        if reason:
            pytest.skip(reason)
        yield booted


@pytest.fixture
def make_unit(container: Container, emulator: Emulator) -> Iterator[MakeUnit]:
    """Makes units led to the emulator; removes them and their state after the test."""
    units: list[BotUnit] = []

    def make(name: str = "wabot") -> BotUnit:
        unit = BotUnit(container, emulator, name)
        units.append(unit)
        return unit

    yield make
    for unit in units:
        unit.remove()


@pytest.fixture
def bot(make_unit: MakeUnit) -> BotUnit:
    """wabot.service, configured and led to the emulator."""
    unit = make_unit()
    unit.configure()
    return unit


@pytest.fixture
def alerts(container: Container) -> Iterator[Callable[[], list[str]]]:
    """Lets the alert unit write to the journal alone; tells what it wrote, oldest first."""
    template = "wabot-alert@.service"
    began = container.cursor()
    says = "ExecStart=/bin/echo alert: ${MONITOR_UNIT} ended with ${MONITOR_EXIT_STATUS}"
    container.override(template, ["[Service]", "ExecStart=", says])

    def written() -> list[str]:
        lines = container.journal("wabot-alert@*", began)
        return [line.message for line in lines if line.message.startswith("alert: ")]

    yield written
    container.reset(template)
