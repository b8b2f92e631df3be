"""The subjects that customers ask about."""

from __future__ import annotations

from wabot.brain.knowledge.synonyms import concepts_asked, concepts_in, concepts_of


def test_concepts_meet_across_languages_but_words_that_look_alike_do_not() -> None:
    assert concepts_of("cuesta") == concepts_of("price") == concepts_of("custa")
    assert "contact" not in concepts_of("calle")
    assert "place" not in concepts_of("call")
    assert "price" in concepts_in("Taza, 12,00 €")
    assert "hours" in concepts_in("de 10:00 a 14:00")
    assert concepts_asked("How much is it?") == []
    assert concepts_asked("how much is shipping") == ["price"]
