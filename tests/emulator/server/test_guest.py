"""Any Python program becomes a guest by its environment alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wabot.emulator.server.emulator import Emulator

LOOK = """
import ctypes, sys
import neonize.client, neonize.aioze.client
from neonize.client import NewClient
from neonize.aioze.client import NewAClient
from wabot.emulator.server import root_key
memory = b"".join(ctypes.string_at(a, b - a) for a, b in root_key._writable_mappings())
print(memory.count(root_key.PINNED_ROOT_KEY), sys.argv[1:], [
    getattr(client, f"_{client.__name__}__onQr").__qualname__ for client in (NewClient, NewAClient)
])
"""


def run(environment: dict[str, str], program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("guest")
    with Emulator(directory=directory) as emulator:
        return emulator.guest_environment(directory / "code")


def test_the_key_is_replaced_and_both_clients_tell_their_codes(environment: dict[str, str]) -> None:
    done = run(environment, LOOK, "an argument")
    assert done.stdout == f"0 ['an argument'] {['_telling.<locals>.on_code'] * 2}\n", done.stderr


def test_without_a_proxy_on_this_machine_the_library_is_not_loaded(environment: dict[str, str]) -> None:
    for changes in ({"HTTPS_PROXY": ""}, {"NO_PROXY": "whatsapp.com"}):
        done = run({**environment, **changes}, "import neonize; print('loaded')")
        assert done.returncode == 1 and done.stdout == ""
        assert "the bot would dial WhatsApp itself" in done.stderr


def test_other_programs_are_as_they_were(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("print('own')")
    done = run({**environment, "PYTHONPATH": f"{environment['PYTHONPATH']}:{tmp_path}"}, "import own, json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "own\n", "")


def test_what_python_was_told_before_is_kept(tmp_path: Path) -> None:
    with Emulator(directory=tmp_path) as emulator:
        environment = emulator.guest_environment(tmp_path / "code", {"PYTHONPATH": "/own"})
    assert environment["PYTHONPATH"] == f"{tmp_path / 'guest'}:/own"
