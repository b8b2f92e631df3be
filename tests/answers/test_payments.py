"""Pictures and documents of customers: what the brain gets of them, and that no payment is confirmed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import arrival
from tests.support.shop import SPANISH, Shop
from wabot.brain.brain import Answer
from wabot.brain.conversation import Document
from wabot.brain.pictures import Picture
from wabot.brain.texts import LANGUAGES, texts_for
from wabot.clock import utc_now
from wabot.conversation.files.received_files import columns_of
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Inbound, Outbound, ReceivedFile, Session
from wabot.whatsapp.messages import Attachment, MessageKind

IMAGE, DOCUMENT, TEXT = MessageKind.IMAGE, MessageKind.DOCUMENT, MessageKind.TEXT
HASH = "ab" * 32
FILE = Attachment(
    "image/jpeg", "", 40, address="https://mmg.whatsapp.net/v/1", path="/v/1?ccb=1", key=HASH,
    file_sha256=HASH, encrypted_sha256=HASH,
)  # fmt: skip
SEEN = Answer(("Es nuestra maceta roja.",), "model:test", note="a red pot")


@pytest.fixture
def shop(sqlite_database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # Where its state lies, if nobody says where.
    monkeypatch.chdir(tmp_path)
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    return Shop()


def came(shop: Shop, *messages: tuple[MessageKind, str], name: str = "", **of_file: Any) -> list[str]:
    """Messages come, their files as far as they got, and the chat is answered: what is to be sent."""
    chat_id = shop.hear(*(arrival(text, kind=kind) for kind, text in messages))
    for row in Inbound.select().where(Inbound.state == "pending", Inbound.kind != TEXT):
        file = {"state": "fetched", "not_before": utc_now(), **columns_of(FILE), "file_name": name, **of_file}
        number = ReceivedFile.create(user_id="shop", message=row, kind=row.kind, **file).id
        (folder := shop.settings.media_directory).mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(b"\xff\xd8\xff")
    shop.worker.answer(chat_id)
    return [text_of(row) for row in waiting() if row.source not in ("passed-on", "unanswered")]


def waiting() -> Sequence[Outbound]:
    return list(Outbound.select().where(Outbound.state == "pending").order_by(Outbound.id))


def told() -> list[tuple[str, str, str]]:
    """What the owner gets: the kind, its words, and where it is kept."""
    to_owner = [row for row in waiting() if row.source in ("passed-on", "unanswered")]
    return [(row.kind, text_of(row), json.loads(row.upload or "{}").get("path", "")) for row in to_owner]


def kept() -> list[tuple[str, str, str]]:
    return [(row.state, row.text, row.source) for row in ReceivedFile.select().order_by(ReceivedFile.id)]


def test_a_picture_is_shown_noted_and_gone(shop: Shop) -> None:
    shop.model.answers = [SEEN]
    assert came(shop, (IMAGE, ""), (IMAGE, "¿la tienen?")) == ["Es nuestra maceta roja."]
    folder = shop.settings.media_directory
    turns = shop.model.asked[0].unanswered
    assert [(turn.mark, turn.text) for turn in turns] == [("", "[image]"), ("[image]", "¿la tienen?")]
    assert [turn.pictures for turn in turns] == [(Picture(folder / "1"),), (Picture(folder / "2"),)]
    assert kept() == [("understood", "", ""), ("understood", "a red pot", "")]
    assert (list(folder.iterdir()), told()) == ([], [])
    shop.answer("¿y en azul?")
    first = shop.model.asked[1].turns[0].text
    assert first == "[image, as a machine saw it: a red pot] ¿la tienen?"
    assert not any(turn.pictures for turn in shop.model.asked[1].turns)


def test_a_document_is_read_behind_a_fence_and_known_by_its_name_later(shop: Shop) -> None:
    came(shop, (DOCUMENT, "¿sirve?"), name="plano.pdf", state="understood", text="Casa: 3 x 4 m")
    (turn,) = shop.model.asked[0].unanswered
    assert (turn.text, turn.documents) == (
        "¿sirve?", (Document("plano.pdf", "Casa: 3 x 4 m"),),
    )  # fmt: skip
    assert kept() == [("understood", "Casa: 3 x 4 m", "")]
    shop.answer("¿y?")
    assert not any(turn.documents for turn in shop.model.asked[1].turns)


@pytest.mark.parametrize(
    ("before", "burst", "name", "text"),
    [
        ((), ((IMAGE, "Ya pagué"),), "", ""),
        ((), ((TEXT, "le hice la transferencia"), (IMAGE, "")), "", ""),
        ((), ((TEXT, "Just paid!"), (IMAGE, "")), "", ""),
        ((), ((IMAGE, "segue o comprovante"),), "", ""),
        (("¿Acepta PIX?",), ((IMAGE, ""),), "", ""),
        ((), ((DOCUMENT, ""),), "Comprobante_0312.pdf", "…"),
        ((), ((DOCUMENT, ""),), "doc.pdf", "BANCO ACME\nTRANSFERÊNCIA realizada"),
    ],
)
def test_where_the_chat_speaks_of_paying_a_person_checks(
    shop: Shop, before: tuple[str, ...], burst: tuple[tuple[MessageKind, str], ...], name: str, text: str
) -> None:
    for said in before:
        shop.answer(said)
        Outbound.update(state="sent").execute()
    asked = len(shop.model.asked)
    shop.model.answers = [Answer(("¡Pago confirmado!",), "model:test")]
    kind = burst[-1][0]
    state = {"state": "understood", "text": text} if kind is DOCUMENT else {}
    (said_now,) = came(shop, *burst, name=name, **state)
    assert said_now in {texts_for(language).to_check for language in LANGUAGES}
    what = f" «{name}»" if name else ""
    line = f"🤖 Ana: envió lo que puede ser un comprobante de pago; no he confirmado nada.{what}"
    assert told() == [(kind.value, line, "/v/1?ccb=1")]
    assert len(shop.model.asked) == asked
    assert [row.source for row in ReceivedFile.select()] == [""]
    assert list(shop.settings.media_directory.iterdir()) == [] or kind is DOCUMENT


def test_a_model_that_takes_it_for_a_payment_is_not_repeated(shop: Shop) -> None:
    words = frozenset({"CHECK_PAYMENT"})
    shop.model.answers = [Answer(("Pago recibido.",), "model:test", calls=words, note="25 € to ACME\n[ok]")]
    assert came(shop, (IMAGE, ""), (IMAGE, "")) == [SPANISH.to_check]
    line = "🤖 Ana: envió lo que puede ser un comprobante de pago; no he confirmado nada. «25 € to ACME [ok]»"
    assert told() == [("image", line, "/v/1?ccb=1"), ("image", "Ana", "/v/1?ccb=1")]
    assert kept()[-1] == ("understood", "25 € to ACME\n[ok]", "")


def test_what_nobody_looked_at_is_passed_on_all_the_same(shop: Shop) -> None:
    """A bot without eyes fetches no picture, and hands its owner what WhatsApp keeps."""
    assert came(shop, (IMAGE, "ya pagué"), state="kept out") == [SPANISH.to_check]
    assert [path for _, _, path in told()] == ["/v/1?ccb=1"]


def test_where_nobody_knows_where_it_is_the_owner_is_told_of_it(shop: Shop) -> None:
    came(shop, (IMAGE, "ya pagué"), state="failed", source="")
    ((kind, line, path),) = told()
    assert (kind, path) == ("text", "") and "comprobante" in line


def test_a_picture_that_no_model_saw_is_asked_for_in_words(shop: Shop) -> None:
    shop.model.answers = [Answer(("No la veo.",), "model:test", unseen=True)]
    assert came(shop, (IMAGE, "")) == [SPANISH.text_only]
    assert told() == [("text", "🤖 Ana: envió una foto que no he podido ver.", "")]
    shop.model.answers = [Answer(("Sí.",), "model:test", unseen=True)]
    assert came(shop, (IMAGE, "¿tienen macetas?"))[-1] == "Sí."
    assert {row.source for row in ReceivedFile.select()} == {""}
    assert list(shop.settings.media_directory.iterdir()) == []


def test_a_document_that_is_not_read_is_told_by_its_name(shop: Shop) -> None:
    name = "plano\n\u202ecasa.dwg"
    assert came(shop, (DOCUMENT, ""), name=name, state="kept out") == [SPANISH.text_only]
    assert told() == [("text", "🤖 Ana: envió un documento que no he podido leer. «plano casa.dwg»", "")]
