"""Languages, the fixed texts, courtesies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import REPOSITORY
from wabot import brain
from wabot.brain.language import detect_language, sure_language
from wabot.brain.texts import LANGUAGES

SENTENCES = {
    "es": [
        "hola, a que hora abren mañana?",
        "quiero devolver un pedido",
        "Buenas tardes",
        "¿tienen stock?",
        "cuanto cuesta",
        "muchas gracias por todo",
        "me pueden ayudar con una compra",
        "los sábados están abiertos?",
        "necesito hablar con alguien",
    ],
    "en": [
        "hi, what time do you open tomorrow?",
        "I want to return an order",
        "Good evening",
        "how much is it",
        "thanks a lot",
        "can you help me with my order?",
        "is the shop open on saturdays",
        "need to talk to somebody",
    ],
    "pt": [
        "olá, que horas vocês abrem amanhã?",
        "quero devolver uma encomenda",
        "Boa tarde",
        "quanto custa",
        "muito obrigado",
        "podem me ajudar com uma compra?",
        "aos sábados vocês estão abertos",
        "preciso falar com alguém",
        "não recebi meu pedido ainda",
    ],
}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [(language, sentence) for language, sentences in SENTENCES.items() for sentence in sentences],
)
def test_the_language_of_a_message_is_heard(language: str, sentence: str) -> None:
    others = [other for other in LANGUAGES if other != language]
    assert [detect_language(sentence, default=other) for other in others] == [language, language]


@pytest.mark.parametrize(
    "text", ["", "ok", "👍", "1234", "matcha", "https://a.example/the/shop", "José García", "?"]
)
def test_a_text_that_says_too_little_leaves_the_default(text: str) -> None:
    assert detect_language(text, default="pt") == "pt"
    assert detect_language(text, default="en") == "en"


@pytest.mark.parametrize(
    "text",
    [
        "Ist das Geschäft morgen offen?",
        "Was kostet der Versand?",
        "Hallo, wann haben Sie geöffnet?",
        "Wat kost het? Bedankt!",
        "Bonjour, vous êtes ouverts quand ?",
        "C'est combien pour la livraison",
        "Buongiorno, siete aperti oggi?",
        "Grazie, quanto costa?",
    ],
)
def test_a_language_without_texts_leaves_the_default(text: str) -> None:
    assert [detect_language(text, default=language) for language in LANGUAGES] == list(LANGUAGES)


@pytest.mark.parametrize(
    ("text", "language"),
    [("siete tazas", "es"), ("horário das lojas", "pt"), ("a hat please", "en"), ("che, tienen mate?", "es")],
)
def test_words_of_the_three_languages_are_not_taken_for_others(text: str, language: str) -> None:
    assert detect_language(text, default="") == language


@pytest.mark.parametrize(
    "text",
    """
    que horario teneis; a que hora cerrais; a que hora abris; que formas de pago teneis; que marcas teneis
    que me recomiendas; que tarda; que tallas teneis; en que calle estais; que incluye; desde que hora
    me habéis cobrado dos veces; os sigo en instagram; teneis parking; he hecho la transferencia
    """.strip()
    .replace("\n", ";")
    .split(";"),
)
def test_spanish_without_accents_stays_spanish(text: str) -> None:
    assert detect_language(text, default="es") == "es"
    assert detect_language(text, default="") in ("", "es")


@pytest.mark.parametrize(
    ("text", "language"),
    [("thx bye", "en"), ("menu pls", "en"), ("aceita pix", "pt"), ("thanks a lot", "en")],
)
def test_two_words_of_another_language_overrule_what_was_spoken(text: str, language: str) -> None:
    assert [detect_language(text, default=default) for default in LANGUAGES] == [language] * len(LANGUAGES)


def test_the_questions_of_the_sample_are_told_apart() -> None:
    file = REPOSITORY / "tests" / "support" / "knowledge_questions.json"
    questions = [
        question for part in json.loads(file.read_text(encoding="utf-8")).values() for question in part
    ]
    right = [detect_language(each["question"], default="") in ("", each["language"]) for each in questions]
    assert sum(right) >= 0.97 * len(right)
    sure = [(sure_language(each["question"]), each["language"]) for each in questions]
    assert all(heard in ("", language) for heard, language in sure)
    assert sum(heard != "" for heard, _ in sure) > 0.4 * len(sure)


@pytest.mark.parametrize(
    ("name", "language"), [("shop.en.md", "en"), ("tienda.es.md", "es"), ("loja.pt.md", "pt")]
)
def test_the_language_of_an_answer_is_sure_and_never_another(name: str, language: str) -> None:
    text = (Path(brain.__file__).parents[1] / "sample_knowledge" / name).read_text(encoding="utf-8")
    heard = [sure_language(passage) for passage in text.split("\n\n") if len(passage) > 60]
    assert set(heard) <= {"", language}
    assert heard.count(language) > 0.8 * len(heard)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Claro.",
        "matcha ceremonial, hojicha",
        "Guten Tag, was kostet der Versand, und sind Sie am Samstag da?",
        "Dag, wat kost de verzending en is de winkel open op zaterdag?",
        "Bon dia, quin és el preu del te verd i quan obriu dissabte? Gràcies",
        "Buongiorno, quanto costa la spedizione per favore? Siete aperti il sabato?",
        "Bonjour, combien coûte la livraison et êtes-vous ouverts le samedi ?",
        "¿Do you have tazas?",
    ],
)
def test_a_short_or_foreign_text_is_of_no_sure_language(text: str) -> None:
    assert sure_language(text) == ""


@given(st.text(max_size=300))
def test_any_text_has_a_language(text: str) -> None:
    assert detect_language(text, default="es") in LANGUAGES
