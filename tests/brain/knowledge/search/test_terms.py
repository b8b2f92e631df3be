"""Words that mean the same compare as the same."""

from __future__ import annotations

from wabot.brain.knowledge.search.terms import stem, words


# --- words
def test_accents_endings_and_small_words_do_not_matter() -> None:
    assert words("¿Cuánto cuestan los ENVÍOS?") == ["cuestan", "envios"]
    assert stem("envios") == stem("enviar") == stem("envian") == stem("envio")
    assert stem("shipping") == stem("shipped") == stem("ships") == "ship"
    assert stem("cartao") == stem("cartoes")
    assert stem("mesa") != stem("meses")
