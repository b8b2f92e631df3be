"""Only the launcher can lead a bot to an emulator; nothing in the bot itself can."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from wabot.emulator.server.root_key import PINNED_ROOT_KEY, leads_to_loopback
from wabot.emulator.wire.tokens import find_client_library

BOT_SOURCES = [
    source
    for source in sorted((REPOSITORY / "wabot").rglob("*.py"))
    if source.relative_to(REPOSITORY / "wabot").parts[0] not in ("emulator", "trials")
]


def imported(source: Path) -> set[str]:
    """The modules that a file names in its import statements."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names.update({module, *(f"{module}.{alias.name}" for alias in node.names)})
    return names


def test_there_is_a_bot_to_look_at() -> None:
    assert len(BOT_SOURCES) > 20


@pytest.mark.parametrize("source", BOT_SOURCES, ids=lambda source: str(source.relative_to(REPOSITORY)))
def test_the_bot_cannot_replace_the_pinned_key(source: Path) -> None:
    text = source.read_text()
    emulator_imports = {name for name in imported(source) if "emulator" in name}
    allowed = (
        {"wabot.emulator.command", "wabot.emulator.command.main"} if source.name == "parser.py" else set()
    )
    assert emulator_imports <= allowed
    assert PINNED_ROOT_KEY.hex() not in text and repr(PINNED_ROOT_KEY) not in text
    for access in (
        "memmove",
        "memset",
        "from_address",
        "/proc/self/m",
        "from_buffer",
        "ctypes.cast",
    ):
        assert access not in text
    for switch in ("ROOT_KEY", "WACertPubKey", "importlib.import_module"):
        assert switch not in text


LOOPBACK = {"HTTPS_PROXY": "http://127.0.0.1:4711", "NO_PROXY": "127.0.0.1,localhost"}


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"HTTPS_PROXY": "http://[::1]:4711"}, True),
        ({"HTTPS_PROXY": "localhost:4711"}, True),
        ({"HTTPS_PROXY": "", "https_proxy": "http://127.0.0.2:1"}, True),
        ({"HTTPS_PROXY": ""}, False),
        ({"HTTPS_PROXY": "http://10.0.0.1:3128"}, False),
        ({"HTTPS_PROXY": "http://127.0.0.1.example.com:3128"}, False),
        ({"HTTPS_PROXY": "http://127.0.0.1@proxy.example.com:3128"}, False),
        ({"HTTPS_PROXY": "http://10.0.0.1:3128", "https_proxy": "http://127.0.0.1:1"}, False),
        ({"HTTPS_PROXY": "http://[::"}, False),
        ({"NO_PROXY": "*"}, False),
        ({"NO_PROXY": "localhost, .whatsapp.com"}, False),
        ({"NO_PROXY": "web.whatsapp.com:443"}, False),
        ({"NO_PROXY": "", "no_proxy": "whatsapp.com"}, False),
        ({"NO_PROXY": "mmg.whatsapp.net"}, False),
        ({"NO_PROXY": "cdn.whatsapp.net"}, False),
        ({"NO_PROXY": "app.com"}, True),
    ],
)
def test_only_a_proxy_on_this_machine_keeps_a_bot_from_the_real_service(
    changes: dict[str, str], allowed: bool
) -> None:
    assert leads_to_loopback({**LOOPBACK, **changes}) is allowed


def test_without_such_a_proxy_nothing_is_started(tmp_path: Path) -> None:
    script = tmp_path / "bot.py"
    script.write_text("print('started')")
    done = launch("00" * 32, str(script), proxy="")
    assert (done.returncode, done.stdout) == (64, "")
    assert "the bot would dial WhatsApp itself" in done.stderr.replace("\n", " ")


def test_the_pinned_key_stands_once_in_the_library() -> None:
    assert find_client_library().read_bytes().count(PINNED_ROOT_KEY) == 1


@pytest.mark.parametrize("arguments", [[], ["wabot"], ["abcd", "wabot"], ["zz" * 32, "wabot"], ["00" * 32]])
def test_wrong_usage(arguments: list[str]) -> None:
    done = launch(*arguments)
    assert done.returncode == 64
    assert done.stderr.startswith("usage: python -m wabot.emulator.server.launcher ROOT_KEY")


def test_it_runs_the_bot(tmp_path: Path) -> None:
    done = launch("11" * 32, "wabot", "version")
    assert done.returncode == 0 and done.stdout.startswith("wabot ")


def test_the_key_is_replaced_in_that_process_alone(tmp_path: Path) -> None:
    script = tmp_path / "look.py"
    script.write_text(
        "import ctypes, sys\n"
        "from wabot.emulator.server import root_key\n"
        "memory = b''.join(ctypes.string_at(a, b - a) for a, b in root_key._writable_mappings())\n"
        "print(sys.argv, memory.count(root_key.PINNED_ROOT_KEY), memory.count(bytes([0x5a] * 32)))\n"
    )
    before = find_client_library().read_bytes()
    done = launch("5a" * 32, str(script), "an argument")
    assert done.stdout.strip() == f"['{script}', 'an argument'] 0 1"
    assert find_client_library().read_bytes() == before


def test_a_second_replacement_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "again.py"
    script.write_text("from wabot.emulator.server import launcher\nlauncher.replace_root_key(bytes(32))\n")
    done = launch("5a" * 32, str(script))
    assert "the pinned key stands 0 times in the client library instead of once" in done.stderr


def launch(*arguments: str, proxy: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(
        [sys.executable, "-m", "wabot.emulator.server.launcher", *arguments],
        cwd=REPOSITORY,
        env={**environ, "HTTPS_PROXY": proxy},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
