"""The units as shipped: their names, their places, and the commands that people are told to type."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from wabot.errors import WabotError

CONFIGURATIONS = Path("/etc/wabot")
"""Where the units read their configurations."""
CONFIGURATION = CONFIGURATIONS / "wabot.toml"
"""The configuration of the one number that most machines serve."""
CREDENTIALS = Path("/etc/credstore")
"""Where systemd finds their credentials; root alone may look into it."""
STATE = Path("/var/lib/wabot")
METRICS = Path("/run/wabot-metrics")
"""What the units make for the metrics file (RuntimeDirectory=)."""
UPGRADE = (
    "where wabot was installed from, git pull, or unpack a newer release; then: "
    "sudo scripts/install --upgrade"
)
"""How to get the newest wabot."""

_NAME = "wabot"
# As sd_booted(3) has it.
_BOOTED_BY_SYSTEMD = Path("/run/systemd/system")

_own: Path | None = CONFIGURATION


def command(arguments: str, file: Path | None) -> str:
    """A wabot command.

    Args:
        arguments: what stands behind `wabot`.
        file: the configuration it is about, None when there is none.
    """
    # What the installer made there, root alone and the service may read.
    sudo = "sudo " if file is not None and file.is_relative_to("/etc") else ""
    config = "" if file in (None, CONFIGURATION) else f" --config {file}"
    return f"{sudo}{_program()} {arguments}{config}"


def _program() -> str:
    """What the shell knows this program by: its name, or where that leads elsewhere or nowhere, its path."""
    typed = Path(sys.argv[0])
    if typed.name != _NAME or not typed.is_file():
        # python -m wabot, and whatever else has it as a library.
        return _NAME
    found = shutil.which(_NAME)
    return _NAME if found and typed.samefile(found) else shlex.quote(str(typed))


def configure_hints(file: Path | None) -> None:
    """Let `own_command` speak of this configuration: that of the process, which has one only."""
    global _own
    _own = file


def own_command(arguments: str) -> str:
    """A wabot command about the configuration of this process, where nothing else of that is known."""
    return command(arguments, _own)


def told(error: WabotError) -> list[str]:
    """What to say of an error, a line for each thing that is wrong, and which command knows what to do."""
    advice = f"; what to do says: {own_command(error.advisor)}" if error.advisor else ""
    return [f"{line}{advice}" for line in error.lines]


def unit_of(file: Path | None) -> str:
    """The systemd service of a configuration, by the units as shipped."""
    return "wabot.service" if file is None or file.stem == "wabot" else f"wabot@{file.stem}.service"


def in_unit(file: Path | None) -> bool:
    """Whether systemd runs the bot of a configuration: its units read those in /etc/wabot."""
    ours = file is None or file.absolute().parent == CONFIGURATIONS
    return ours and _BOOTED_BY_SYSTEMD.is_dir()


def start(*files: Path | None, for_good: bool = False) -> str:
    """What starts the bots of configurations: systemd where its units would read them.

    Args:
        files: the configurations, None for a bot without one.
        for_good: after every boot, too.
    """
    units = [unit_of(file) for file in files if in_unit(file)]
    systemctl = f"sudo systemctl {'enable --now' if for_good else 'start'} {' '.join(units)}"
    others = [command("run", file) for file in files if not in_unit(file)]
    return ", and ".join([systemctl, *others] if units else others)
