"""The fixed sentences that customers read."""

from __future__ import annotations

from dataclasses import fields

import pytest

from wabot.brain.language import detect_language
from wabot.brain.texts import LANGUAGES, texts_for


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_short_and_in_its_language(language: str) -> None:
    texts = texts_for(language)
    for field in fields(texts):
        text = getattr(texts, field.name)
        assert 10 < len(text) < 250
        assert detect_language(text, default="") == language, text
    confirmation = texts.confirm_opt_out("alta")
    assert "ALTA" in confirmation
    assert "{" not in confirmation


def test_an_unknown_language_reads_english() -> None:
    assert texts_for("xx") is texts_for("en")
