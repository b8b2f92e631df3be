"""The emulator's launcher on a machine: what is installed there has neither."""

from __future__ import annotations

from pathlib import Path

from tests.systemd.container import Container
from wabot.emulator.server import launcher, root_key
from wabot.emulator.server.emulator import Emulator

# Where the service's sandbox lets it look.
_PLACE = "/usr/local/lib/wabot-emulator/launcher.py"
_MODULE = ("-m", launcher.__name__)


def command_inside(machine: Container, emulator: Emulator, *arguments: str) -> list[str]:
    """The command that runs the installed wabot against the emulator.

    Args:
        machine: where it is installed; the launcher is put there.
        emulator: in the machine's network.
        arguments: what follows `wabot`.
    """
    machine.write(_PLACE, _in_one_file())
    _, *words = emulator.command(*arguments)
    at = words.index(_MODULE[0])
    assert tuple(words[at : at + 2]) == _MODULE
    return ["/opt/wabot/bin/python", *words[:at], _PLACE, *words[at + 2 :]]


def _in_one_file() -> str:
    """The launcher with what it imports of the emulator, which is not there."""
    of_the_emulator = f"from {root_key.__name__} import"
    lines = Path(launcher.__file__).read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith((of_the_emulator, "from __future__"))]
    assert len(kept) == len(lines) - 2
    return Path(root_key.__file__).read_text() + "".join(kept)
