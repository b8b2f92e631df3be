"""Draws the handbook's pictures of terminals from a real run: the units as shipped, on a booted systemd.

python -m tests.systemd.pictures [DIRECTORY]
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.systemd.as_typed import lead, scan_with, type_in
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import REPOSITORY, Container, missing
from wabot.emulator.server.emulator import Emulator
from wabot.trials.demo.screen import Line, Style, StyledSpan
from wabot.trials.demo.terminal_picture import draw_terminal

_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|\x1b[\[\]()][0-9;?]*[A-Za-z]")
_STYLES = {
    "0;1;32": Style.GOOD,
    "0;1;31": Style.BAD,
    "0;1;39": Style.HEADING,
    "0;38;5;245": Style.FAINT,
    "38;5;231;48;5;16": Style.CODE,
}
_CUSTOMERS = (("Ana", "Hola, ¿dónde está la tienda?"), ("Ben", "Hi! Do you have gift cards?"))


def draw_all(machine: Container, emulator: Emulator, directory: Path) -> list[Path]:
    """Make every picture anew.

    Args:
        machine: where wabot is installed and has never run.
        emulator: in its network.
        directory: where to.

    Returns:
        The pictures.
    """
    own_name = machine.run("hostname").stdout.strip()
    machine.run("hostname", "shop")
    bot = BotUnit(machine, emulator)
    try:
        shown = _shown(machine, emulator, bot)
    finally:
        machine.run("systemctl", "disable", bot.unit)
        bot.remove()
        machine.run("hostname", own_name)
    pictures = []
    for name, (title, text) in shown.items():
        picture = directory / f"{name}.svg"
        picture.write_text(draw_terminal(lines_of(f"$ {title}\n{text}"), title), encoding="utf-8")
        pictures.append(picture)
    return pictures


def _shown(machine: Container, emulator: Emulator, bot: BotUnit) -> dict[str, tuple[str, str]]:
    """What each command shows, by the name of its picture."""
    bot.configure()
    # The unit as it is shipped, and the way to the emulator in its environment.
    machine.run("rm", "-r", f"/etc/systemd/system/{bot.unit}.d")
    machine.run("systemctl", "daemon-reload")
    lead(machine, emulator)
    # As scripts/install makes it.
    machine.run("install", "-d", "-m", "0700", "-o", "wabot", "-g", "wabot", "/var/lib/wabot")
    scan = scan_with(emulator, lambda: bot.status()["qr"])
    found = {"pair": ("sudo wabot pair", type_in(machine, "wabot pair", scan, "/etc/wabot/wabot.env"))}
    machine.run("systemctl", "enable", "--now", "wabot")
    bot.wait_for_state("connected")
    for number, (name, question) in enumerate(_CUSTOMERS, start=1):
        customer = emulator.customer(number, name)
        customer.send(question)
        customer.wait_for_replies(1)
    machine.wait_until(lambda: "2 chats today" in bot.status_line(), bot.unit)
    found["status"] = ("sudo wabot status", type_in(machine, "wabot status"))
    systemctl = "systemctl status --no-pager --full --lines=8 wabot"
    found["systemctl"] = ("systemctl status wabot", type_in(machine, systemctl))
    return found


def lines_of(text: str) -> list[Line]:
    """What a terminal shows of a text with colours, line by line."""
    lines: list[Line] = []
    style = Style.PLAIN
    for row in text.rstrip("\n").split("\n"):
        spans, place = [], 0
        for sequence in _SEQUENCE.finditer(row):
            spans.append(StyledSpan(row[place : sequence.start()], style))
            place = sequence.end()
            if sequence[1] is not None:
                style = _STYLES.get(sequence[1], Style.PLAIN)
        spans.append(StyledSpan(row[place:], style))
        lines.append(tuple(span for span in spans if span.text))
    return lines


if __name__ == "__main__":
    reason = missing()
    if reason:
        sys.exit(f"scripts/pictures: {reason}")
    target = Path(sys.argv[1]) if sys.argv[1:] else REPOSITORY / ".pictures"
    with (
        tempfile.TemporaryDirectory() as home,
        Container(Path(home) / "machine") as booted,
        booted.in_network(Emulator) as running,
    ):
        print(*draw_all(booted, running, target), sep="\n")
