"""The handbook's pictures of terminals: how a run is read into them, and that they show today's words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.support import REPOSITORY
from tests.systemd.pictures import lines_of
from wabot.status.sessions import SessionStatus
from wabot.status.table import as_table
from wabot.trials.demo.screen import Style, StyledSpan

PICTURES = REPOSITORY / ".pictures"
SESSION = SessionStatus(
    *("wabot", "wabot", "connected", ""),
    phone="1",
    pid=1,
    host="shop",
    inbox_pending=0,
    outbox_pending=0,
    outbox_dead=0,
)


def test_colours_become_styles_and_other_sequences_nothing() -> None:
    shown = "\x1b]0;t\x07\x1b[2J\x1b[0;1;32m●\x1b[0m wabot\n\x1b[38;5;231;48;5;16m█▀\x1b[0m\n"
    assert lines_of(shown)[1] == (StyledSpan("█▀", Style.CODE),)
    assert lines_of(shown)[0][-2:] == (StyledSpan("●", Style.GOOD), StyledSpan(" wabot"))


def text_of(name: str) -> str:
    root = ElementTree.parse(PICTURES / f"{name}.svg").getroot()
    return "\n".join(element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("line", as_table([SESSION]).splitlines())
def test_the_status_has_the_lines_it_has_today(line: str) -> None:
    for label in (part.rpartition("  ")[2] for part in line.split(":")[:-1]):
        assert f"{label.strip()}:" in text_of("status").replace("\n", " ")


def test_the_others_show_what_they_are_for() -> None:
    assert "Scan this code:" in text_of("pair") and "Ready: linked as +" in text_of("pair")
    assert "active (running)" in text_of("systemctl") and 'Status: "connected as +' in text_of("systemctl")
    assert "0 lost, 0 duplicated" in text_of("demo")
