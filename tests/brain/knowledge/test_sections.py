"""A file is cut at its headings, and its lines are joined as they were meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.brain.knowledge.sections import MAX_SECTION_CHARACTERS, cut_sections


# --- sections
def test_sections_carry_their_headings() -> None:
    sections = cut_sections("intro\n# A\n\n## B ##\ntext\nmore\n### C\nc\n## D\nd\n# E\n")
    assert [(section.headings, section.text) for section in sections] == [
        ((), "intro"),
        (("A", "B"), "text\nmore"),
        (("A", "B", "C"), "c"),
        (("A", "D"), "d"),
    ]
    assert sections[0].title == ""
    assert sections[2].title == "C"


def test_underlined_lines_are_headings_too() -> None:
    sections = cut_sections(
        "La tienda\n=========\nUna casa de té.\n\nHorario\n---\nDe diez a dos.\n\nuno\ndos\n---\n\n- a\n---\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx\n---\n```\n"
    )
    assert [(section.headings, section.text) for section in sections] == [
        (("La tienda",), "Una casa de té."),
        (
            ("La tienda", "Horario"),
            "De diez a dos.\n\nuno\ndos\n---\n\n- a\n---\n- 1: 2\n\n```\nx\n---\n```",
        ),
    ]


WRAPPED = {
    # As an editor breaks a line at seventy characters.
    "Los envíos a la península tardan entre uno y dos días laborables y\n"
    "cuestan 4,90 €; a partir de 40 € son gratis. A Baleares y a Canarias\n"
    "tardan hasta una semana.": "Los envíos a la península tardan entre uno y dos días laborables y "
    "cuestan 4,90 €; a partir de 40 € son gratis. A Baleares y a Canarias tardan hasta una semana.",
    "- una lista cuyo primer punto es tan largo que sigue en otra línea\n  que está sangrada\n- el segundo": (
        "- una lista cuyo primer punto es tan largo que sigue en otra línea que está sangrada\n- el segundo"
    ),
    # And what is meant to be lines.
    "Lunes a viernes: 10-20\nSábado: 10-14": None,
    "Lunes a viernes de 10:00 a 14:00 y de 17:00 a 20:30\nSábados de 10:00 a 14:00": None,
    "Calle Mayor 5\n28013 Madrid": None,
    "Nuestros precios para este año, con el impuesto incluido:\nTé verde 4 €\nTé negro 3 €": None,
    "Una línea que es larga y que acaba con dos espacios a propósito  \ny otra": (
        "Una línea que es larga y que acaba con dos espacios a propósito\ny otra"
    ),
    "| una tabla con celdas que son bastante largas | 1 |\n| otra | 2 |": None,
    "```\nun código cuya primera línea es larguísima, de verdad que mucho\ny sigue\n```": None,
    "> una cita que es bastante larga y ocupa toda la línea del fichero\n> y sigue": None,
}


@pytest.mark.parametrize("text", WRAPPED)
def test_lines_that_an_editor_broke_are_joined(text: str) -> None:
    (section,) = cut_sections(f"# A\n{text}\n")
    assert section.text == (WRAPPED[text] or text)


def test_each_row_of_a_table_tells_by_itself_what_it_says() -> None:
    (section,) = cut_sections(
        "# Open\n| | Morning | Evening |\n|:--|--:|---|\n| Monday | 9-14 | |\n| Friday | 9-14 | 17\\|20 "
        "|\n\nBye"
    )
    assert section.text == "- Monday – Morning: 9-14\n- Friday – Morning: 9-14, Evening: 17|20\n\nBye"


def test_lines_in_capitals_or_bold_that_stand_alone_are_headings() -> None:
    sections = cut_sections(
        "Gym North\n\nFEES\n\nMonthly: 39 €\n\n**Classes:**\nYoga: Monday\nA\nOPEN TODAY\n"
    )
    assert [(section.title, section.text) for section in sections] == [
        ("", "Gym North"),
        ("Fees", "Monthly: 39 €"),
        ("Classes", "Yoga: Monday\nA\nOPEN TODAY"),
    ]


def test_notes_of_the_author_and_code_are_told_apart() -> None:
    text = "---\ntitle: x\n---\n# A\nyes <!-- no\n# no -->\n```\n# code\n```\nend\n<!-- left open\n# no"
    (section,) = cut_sections(text)
    assert section.text == "yes\n```\n# code\n```\nend"


def test_a_long_section_is_cut_at_a_paragraph() -> None:
    sections = cut_sections("# A\n" + "\n\n".join(["palabra " * 60] * 8))
    assert len(sections) > 1
    assert all(len(section.text) <= MAX_SECTION_CHARACTERS and section.title == "A" for section in sections)
    assert all(section.text.endswith("palabra") for section in sections)


@given(st.text(alphabet="#` ~-<!>ab\n", max_size=400), st.integers(5, 60))
def test_no_markdown_breaks_the_cutting(text: str, max_characters: int) -> None:
    for section in cut_sections(text, max_characters):
        assert section.text.strip()
        assert len(section.text) <= max_characters
