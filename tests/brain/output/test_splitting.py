"""How a long answer is cut into messages."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from wabot.brain.output.splitting import split


# --- splitting
def test_a_short_text_is_one_part_and_a_blank_one_none() -> None:
    assert split("hola", 4000, 3) == ("hola",)
    assert split(" \n ", 4000, 3) == ()


def test_it_is_cut_at_paragraphs_then_sentences_then_words() -> None:
    assert split("Uno dos tres.\n\nCuatro cinco.", 20, 3) == ("Uno dos tres.", "Cuatro cinco.")
    assert split("Uno dos tres. Cuatro cinco seis.", 20, 3) == ("Uno dos tres.", "Cuatro cinco seis.")
    assert split("uno dos tres cuatro cinco", 14, 3) == ("uno dos tres", "cuatro cinco")
    assert split("uno dos tres cuatro", 12, 3) == ("uno dos tres", "cuatro")


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    assert split("uno dos tres cuatro cinco seis", 9, 2) == ("uno dos", "tres…")


def test_a_link_is_never_cut() -> None:
    link = "https://tienda.example/p/123456789"
    assert split(f"Mire esto: {link} gracias", 40, 3) == ("Mire esto:", f"{link}", "gracias")
    assert split(f"Mire ({link}) y ya", 20, 3) == ("Mire", "y ya")


def test_an_accent_stays_with_its_letter() -> None:
    parts = split("e\u0301" * 20, 7, 10)
    assert all(part[0] == "e" for part in parts)
    assert "".join(parts) == "e\u0301" * 20


SPACED = st.lists(st.text("abcñ.,!?é🙂", min_size=1, max_size=12), max_size=60)


@given(SPACED, st.sampled_from([" ", "\n", "\n\n", "  "]), st.integers(12, 80))
def test_no_word_is_lost_when_all_fits(words: list[str], between: str, max_length: int) -> None:
    parts = split(between.join(words), max_length, 10_000)
    assert " ".join(parts).split() == words
    assert all(0 < len(part) <= max_length for part in parts)


@given(st.text(max_size=500), st.integers(1, 60), st.integers(1, 5))
def test_the_bounds_hold_for_any_text(text: str, max_length: int, max_parts: int) -> None:
    parts = split(text, max_length, max_parts)
    assert len(parts) <= max_parts
    assert all(part.strip() and len(part) <= max_length for part in parts)


@given(
    st.lists(
        st.one_of(st.text("abc", min_size=1, max_size=9), st.just("https://a.example/" + "x" * 20)),
        max_size=20,
    ),
    st.integers(5, 60),
    st.integers(1, 4),
)
def test_every_link_sent_is_whole(words: list[str], max_length: int, max_parts: int) -> None:
    for part in split(" ".join(words), max_length, max_parts):
        for link in re.findall(r"http\S*", part.rstrip("…")):
            assert link == "https://a.example/" + "x" * 20
