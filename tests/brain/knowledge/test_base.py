"""The knowledge base: what it reads, what it finds, and how well."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import REPOSITORY
from wabot.brain.knowledge.base import KNOWN, KnowledgeBase, lack_of_knowledge
from wabot.brain.knowledge.sections import MAX_SECTION_CHARACTERS, cut_sections
from wabot.brain.knowledge.spelling import typo_likeness
from wabot.brain.knowledge.synonyms import concepts_asked, concepts_in, concepts_of
from wabot.brain.knowledge.terms import stem, words
from wabot.trials.bench.knowledge import main, measure_quality

SAMPLE = REPOSITORY / "wabot" / "sample_knowledge"
QUESTIONS = REPOSITORY / "tests" / "support" / "knowledge_questions.json"


@pytest.fixture(scope="module")
def sample() -> KnowledgeBase:
    return KnowledgeBase(SAMPLE)


def test_the_sample_answers_its_questions_and_declines_the_others(sample: KnowledgeBase) -> None:
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    quality = measure_quality(sample, questions["known"], questions["unknown"])
    print(quality)
    assert quality.known >= 60
    assert quality.unknown >= 30
    assert quality.found_first >= 0.9 * quality.known, quality.mistakes
    assert quality.answered >= 0.9 * quality.known, quality.mistakes
    assert quality.declined >= 0.95 * quality.unknown, quality.mistakes


def test_the_figures_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE), str(QUESTIONS)]) == 0
    assert "right passage first" in capsys.readouterr().out


def answer_of(knowledge: KnowledgeBase, question: str, language: str | None = None) -> str | None:
    """The text of the passage that surely answers the question."""
    best = knowledge.search(question, language, limit=1)
    return best[0].text if best and best[0].score >= KNOWN else None


@pytest.mark.parametrize(
    ("question", "language", "said"),
    [
        ("cuanto cuesta el te verde", "es", "7,50 €"),
        ("How much is the green tea?", "en", "€7.50"),
        ("quanto custa o chá verde?", "pt", "7,50 €"),
        ("¿Puedo pagar con Bizum?", "es", "Bizum"),
    ],
)
def test_an_answer_is_the_passage_in_the_language_of_the_question(
    sample: KnowledgeBase, question: str, language: str, said: str
) -> None:
    answer = answer_of(sample, question, language)
    assert answer is not None
    assert said in answer


def test_a_page_in_another_language_answers_when_there_is_no_better(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text((SAMPLE / "tienda.es.md").read_text(encoding="utf-8"), encoding="utf-8")
    best, *_ = KnowledgeBase(tmp_path).search("do you have gift cards?", "en")
    assert best.title == "Tarjetas regalo y envoltorio"
    assert best.score >= KNOWN


@pytest.mark.parametrize(
    "question", ["", "   ", "¿?", "a", "🙂🙂", "el la los", "\x00", '"', "* OR NOT (", "title:x"]
)
def test_a_question_that_says_nothing_is_not_answered(sample: KnowledgeBase, question: str) -> None:
    assert answer_of(sample, question, "es") is None


@settings(max_examples=150)
@given(
    question=st.text(alphabet=st.one_of(st.characters(), st.sampled_from('"*():^-+ ORANDNT')), max_size=200)
)
def test_no_question_breaks_the_search(sample: KnowledgeBase, question: str) -> None:
    for passage in sample.search(question, "es"):
        assert 0 < passage.score <= 1


def test_a_very_long_question_takes_bounded_time(sample: KnowledgeBase) -> None:
    assert sample.search(" ".join(f"palabra{number}x" for number in range(200_000)), "es") == []
    assert sample.search(" ".join([*(f"zz{number}" for number in range(40)), "horario"]), "es") == []
    assert words("x" * 41) == []


# --- files


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=100.0)


def knowledge_of(folder: Path | None, clock: SimpleNamespace) -> KnowledgeBase:
    return KnowledgeBase(folder, clock=lambda: clock.now)


def test_no_folder_or_a_missing_one_is_no_error(
    tmp_path: Path, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    assert knowledge_of(None, clock).search("precio") == []
    assert caplog.records == []
    assert knowledge_of(tmp_path / "missing", clock).search("precio") == []
    assert caplog.messages == [
        f"The bot knows nothing of your shop: there is no folder {tmp_path}/missing. Write about it there, "
        "or set ai.knowledge."
    ]


def test_a_folder_that_may_not_be_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert ": this user may not look for " in lack_of_knowledge(tmp_path / "closed")


def test_changes_are_seen_at_most_a_second_later(tmp_path: Path, clock: SimpleNamespace) -> None:
    knowledge = knowledge_of(tmp_path / "later", clock)
    assert answer_of(knowledge, "garantía") is None
    (tmp_path / "later" / "deep").mkdir(parents=True)
    file = tmp_path / "later" / "deep" / "faq.md"
    file.write_text("# Garantía\nDos años.", encoding="utf-8")
    clock.now += 0.5
    assert answer_of(knowledge, "garantía") is None
    clock.now += 0.6
    assert answer_of(knowledge, "garantía") == "Dos años."
    file.write_text("# Garantía\nTres años.", encoding="utf-8")
    clock.now += 1.1
    assert answer_of(knowledge, "garantia") == "Tres años."
    file.unlink()
    clock.now += 1.1
    assert answer_of(knowledge, "garantía") is None


def test_a_change_of_the_same_size_is_seen_by_its_time(tmp_path: Path, clock: SimpleNamespace) -> None:
    file = tmp_path / "faq.md"
    file.write_text("# Stock\nA", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    knowledge = knowledge_of(tmp_path, clock)
    file.write_text("# Stock\nB", encoding="utf-8")
    os.utime(file, ns=(2, 2))
    clock.now += 1.1
    assert answer_of(knowledge, "stock") == "B"


def test_broken_files_are_named_and_skipped(
    tmp_path: Path, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.md").write_text("# Garantía\nDos años.", encoding="utf-8")
    (tmp_path / "latin.md").write_bytes("# Devolución".encode("latin-1"))
    (tmp_path / "huge.md").write_bytes(b"#" * 1_000_001)
    (tmp_path / "dangling.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / ".hidden.md").write_text("# Garantía\nsecreto", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("Garantía", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        knowledge = knowledge_of(tmp_path, clock)
    assert [each.source for each in knowledge.search("garantía", limit=9)] == ["good.md"]
    assert answer_of(knowledge, "garantía") == "Dos años."
    assert {name for name in ("latin.md", "huge.md", "dangling.md") if name in caplog.text} == {
        "latin.md",
        "huge.md",
        "dangling.md",
    }


def test_threads_may_search_while_the_folder_changes(tmp_path: Path) -> None:
    ticks = iter(range(0, 10_000_000, 2))
    inside: list[int] = []
    most_inside = 0

    def clock() -> float:
        nonlocal most_inside
        inside.append(1)
        most_inside = max(most_inside, len(inside))
        # Lets another thread come in, if nothing keeps it out.
        time.sleep(0.0001)
        inside.pop()
        return float(next(ticks))

    knowledge = KnowledgeBase(tmp_path, clock)
    completed: list[str] = []

    def search() -> None:
        for _ in range(60):
            knowledge.search("precio garantía", "es")
        completed.append(threading.current_thread().name)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    number = 0
    while any(thread.is_alive() for thread in threads) and number < 5000:
        number += 1
        text = f"# Garantía {number}\n" + "Precio de la garantía. " * (number % 50)
        (tmp_path / f"{number % 5}.md").write_text(text, encoding="utf-8")
    for thread in threads:
        thread.join(20)
    assert len(completed) == 4
    assert most_inside == 1


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
            "De diez a dos.\n\nuno\ndos\n---\n\n- a\n---\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
            "```\nx\n---\n```",
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


def test_a_file_with_underlined_headings_answers_with_one_of_its_sections(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text(
        "Garantía\n========\n\nDos años.\n\nEnvíos\n======\n\nCuestan 5 €.\n", encoding="utf-8"
    )
    assert answer_of(KnowledgeBase(tmp_path), "¿qué garantía tienen?") == "Dos años."


def many_texts(folder: Path, megabytes: int) -> None:
    """Each megabyte takes a second or two."""
    for number in range(megabytes):
        paragraphs = (
            f"# Artículo {number}-{part}\n" + f"palabra{part} té azul. " * 40 for part in range(1000)
        )
        (folder / f"{number}.md").write_text("\n\n".join(paragraphs), encoding="utf-8")


def test_many_texts_are_read_beside_the_running_bot(tmp_path: Path) -> None:
    (tmp_path / "0.md").write_text("# Garantía\nDos años.", encoding="utf-8")
    ticks = SimpleNamespace(now=0.0)
    knowledge = KnowledgeBase(tmp_path, clock=lambda: ticks.now)
    assert answer_of(knowledge, "garantía") == "Dos años."
    (tmp_path / "more").mkdir()
    many_texts(tmp_path / "more", 6)
    ticks.now += 2
    # Found from what was known before, while the others are read.
    assert answer_of(knowledge, "garantía") == "Dos años."
    assert knowledge.is_reading
    assert answer_of(knowledge, "garantía") == "Dos años."
    assert knowledge.is_reading


def test_a_bot_with_many_texts_starts_before_they_are_read(tmp_path: Path) -> None:
    many_texts(tmp_path, 1)
    knowledge = KnowledgeBase(tmp_path, patience_seconds=0.01)
    assert knowledge.is_reading
    # Who asks then waits for them.
    assert knowledge.search("artículo 0-17")


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


# --- words


def test_accents_endings_and_small_words_do_not_matter() -> None:
    assert words("¿Cuánto cuestan los ENVÍOS?") == ["cuestan", "envios"]
    assert stem("envios") == stem("enviar") == stem("envian") == stem("envio")
    assert stem("shipping") == stem("shipped") == stem("ships") == "ship"
    assert stem("cartao") == stem("cartoes")
    assert stem("mesa") != stem("meses")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("orario", "horario"),
        ("embios", "envios"),
        ("adress", "address"),
        ("devolusion", "devolucion"),
        ("hroario", "horario"),
        ("efectibo", "efectivo"),
        ("delivry", "delivery"),
    ],
)
def test_typos_are_likely(typed: str, meant: str) -> None:
    assert typo_likeness(typed, meant) >= 0.8


@pytest.mark.parametrize(
    ("typed", "other"),
    [("coche", "noche"), ("casa", "caso"), ("gato", "pato"), ("te", "tez"), ("cafe", "mate")],
)
def test_other_words_are_not_typos(typed: str, other: str) -> None:
    assert typo_likeness(typed, other) == 0


def test_concepts_meet_across_languages_but_words_that_look_alike_do_not() -> None:
    assert concepts_of("cuesta") == concepts_of("price") == concepts_of("custa")
    assert "contact" not in concepts_of("calle")
    assert "place" not in concepts_of("call")
    assert "price" in concepts_in("Taza, 12,00 €")
    assert "hours" in concepts_in("de 10:00 a 14:00")
    assert concepts_asked("How much is it?") == []
    assert concepts_asked("how much is shipping") == ["price"]
