"""What systemd says of units. Root asks it on a socket of its own, also where there is no D-Bus."""

from __future__ import annotations

import re

from wabot.privileges import root_helper as root_hand

SHOW = "show a unit"

_ASK_SECONDS = 10.0


def show(unit: str, *properties: str) -> dict[str, str] | None:
    """Properties of a unit, with times in UTC; None where systemd cannot be asked.

    Args:
        unit: its name.
        properties: their names.
    """
    if root_hand.is_elsewhere():
        found: dict[str, str] | None = root_hand.do(SHOW, unit=unit, properties=list(properties))
        return found
    return show_here(unit, list(properties))


def show_here(unit: str, properties: list[str]) -> dict[str, str] | None:
    """The same, asked by this process."""
    # Here, because it takes 3 ms, and most commands do without.
    import subprocess

    if not re.fullmatch(r"[A-Za-z0-9:_.@\\-]{1,255}", unit):
        return None
    command = ["systemctl", "show", "--timestamp=us+utc", f"--property={','.join(properties)}", "--", unit]
    try:
        shown = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
            # Away from the terminal of whoever typed the command.
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if shown.returncode:
        return None
    return dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
