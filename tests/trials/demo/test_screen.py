"""What the demonstration shows on a terminal, and the picture of it."""

from __future__ import annotations

import io
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from wabot.trials.demo.screen import Screen, Style, StyledSpan
from wabot.trials.demo.terminal_picture import draw_terminal

_SVG = "{http://www.w3.org/2000/svg}"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown_on_terminal(environment: dict[str, str]) -> str:
    stream = _Terminal()
    Screen(stream, environment, columns=60).show(StyledSpan("plain "), StyledSpan("fine", Style.GOOD))
    return stream.getvalue()


def test_colours_a_terminal() -> None:
    assert _shown_on_terminal({"TERM": "xterm"}) == "plain \x1b[1;32mfine\x1b[0m\n"


def test_no_colour_where_nobody_wants_it() -> None:
    assert _shown_on_terminal({"NO_COLOR": "1"}) == "plain fine\n"
    assert _shown_on_terminal({"TERM": "dumb"}) == "plain fine\n"
    stream = io.StringIO()
    Screen(stream, {}).show(StyledSpan("fine", Style.GOOD))
    assert stream.getvalue() == "fine\n"


def test_wraps_beside_the_margin_and_keeps_line_breaks() -> None:
    stream = io.StringIO()
    Screen(stream, {}, columns=50).tell((StyledSpan("Ana  "),), "word " * 10 + "\nnext line")
    assert stream.getvalue() == (
        "Ana  word word word word word word word word word\n     word\n     next line\n"
    )


def test_shows_a_margin_without_text() -> None:
    screen = Screen(io.StringIO(), {})
    screen.tell((StyledSpan("Ana  "),), "")
    assert [span.text for span in screen.lines[0]] == ["Ana  ", ""]


def test_text_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    Screen(stream, {}).show(StyledSpan("a\x1b[2Jb\rc\xa0d"))
    assert stream.getvalue() == "a�[2Jb�c\xa0d\n"


@given(st.lists(st.tuples(st.text(), st.sampled_from([*{*Style} - {Style.CODE}])), max_size=5))
def test_picture_holds_every_text_whatever_it_is(pieces: list[tuple[str, Style]]) -> None:
    spans = tuple(StyledSpan(text, style) for text, style in pieces)
    root = ElementTree.fromstring(draw_terminal([spans], "a <title> & more"))
    drawn = [element.text for element in root.iter(f"{_SVG}text")]
    assert drawn == ["a <title> & more", *(text for span in spans if (text := span.text.strip(" ")))]


def test_picture_aligns_columns_by_their_place_in_the_line() -> None:
    lines = [(StyledSpan("0.1 s  "), StyledSpan("Ana")), (StyledSpan("0.2 s"), StyledSpan("  Ben  ")), ()]
    root = ElementTree.fromstring(draw_terminal(lines, "demo"))
    by_text = {element.text: element for element in root.iter(f"{_SVG}text")}
    assert by_text["Ana"].get("x") == by_text["Ben"].get("x")
    assert by_text["Ana"].get("y") != by_text["Ben"].get("y")
    assert by_text["Ana"].get("textLength") == by_text["Ben"].get("textLength")


def test_picture_of_a_code_has_its_light_and_its_dark_parts_where_they_are() -> None:
    root = ElementTree.fromstring(draw_terminal([(StyledSpan("██ ▀▄", Style.CODE),)], "pair"))
    background, *blocks = root.findall(f"{_SVG}rect")[1:]
    width = float(background.get("width", 0)) / 5
    left, top = float(background.get("x", 0)), float(background.get("y", 0))
    places = [
        ((float(block.get("x", 0)) - left) / width, float(block.get("y", 0)) - top, block.get("height"))
        for block in blocks
    ]
    assert [(round(x), round(2 * y) / 2, height) for x, y, height in places] == [
        (0, 0.0, "21.0"),
        (3, 0.0, "10.5"),
        (4, 10.5, "10.5"),
    ]
