"""All that a customer can send, on the real client library: its rows, what they and the owner are told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.support.provider_server import ProviderServer
from wabot.brain.texts import texts_for
from wabot.emulator.people.attachments import File
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.places import Place, live_location
from wabot.trials.peers.model_behaviours import say, texts_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("media-in")]

SPANISH = texts_for("es")
ASKED, ANSWER = SPANISH.text_only, "Con mucho gusto."
HEARD, SEEN = "envió un audio que no he podido escuchar.", "envió una foto que no he podido ver."
WATCHED, READ = "envió un video que no puedo ver.", "envió un documento que no he podido leer. «notes.txt»"
NOT_FETCHED = "videos and stickers are not fetched"
PLACE = Place(40.4, -3.7, "Casa", "Calle Mayor 1")

_numbers = count(1)


@pytest.fixture(scope="module")
def model() -> Iterator[ProviderServer]:
    """One that says the same to all it is asked."""
    with ProviderServer(say(ANSWER)) as server:
        yield server


@pytest.fixture(scope="module")
def bot(model: ProviderServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BotProcess]:
    """One that understands words alone."""
    with Emulator() as emulator:
        blind = f'name = "test"\nbase_url = "{model.base_url}"\nmodel = "echo"\ntimeout = 20\nvision = false'
        directory = tmp_path_factory.mktemp("bot")
        running = BotProcess(emulator, directory, sections={"[ai.providers]": blind})
        running.pair()
        yield running
        running.close()


@pytest.fixture
def customer(bot: BotProcess) -> Callable[..., Customer]:
    """Makes customers, each with a name of their own."""

    def make(**options: Any) -> Customer:
        number = next(_numbers)
        return bot.emulator.customer(number, name=f"Ana {number:03}", **options)

    return make


@dataclass(frozen=True)
class Sent:
    """What is sent, and what comes of it.

    Attributes:
        send: sends it; the message's id.
        kind: of its row.
        answer: what its customer reads, "" for nothing; what begins with "…" is the end of what the model is
            asked instead.
        told: what the owner is told of them.
        file: why it is not fetched; None: it has no file.
        ticks: whether it gets blue ticks.
    """

    send: Callable[[Customer], str]
    kind: str
    answer: str
    told: str = ""
    file: str | None = None
    ticks: bool = False


def media(kind: str, **options: Any) -> Callable[[Customer], str]:
    return lambda ana: ana.send_media(kind, **options)


def message(kind: str, text: str = "¿tienen tazas?") -> Callable[[Customer], str]:
    return lambda ana: ana.send_kind(kind, text)


def post(body: bytes) -> Callable[[Customer], str]:
    return lambda ana: ana.post(body, "", {"type": "media"})


UNHEARD, UNSEEN = "nothing here listens to voice notes", "nothing here looks at pictures"
UNREAD, NOTES = "of documents, only PDF is read", File(b"notes", "text/plain", "notes.txt")
WORDS = "…¿tienen tazas?"

TABLE = {
    "voice": Sent(media("voice"), "audio", ASKED, HEARD, UNHEARD),
    "audio": Sent(media("audio"), "audio", ASKED, HEARD, UNHEARD),
    "voice once": Sent(media("voice", envelope="view_once_voice"), "audio", ASKED, HEARD, UNHEARD),
    "image": Sent(media("image"), "image", ASKED, SEEN, UNSEEN),
    "caption": Sent(media("image", caption="¿tienen tazas?"), "image", WORDS, "", UNSEEN, ticks=True),
    "once": Sent(media("image", envelope="view_once_v2"), "image", ASKED, SEEN, UNSEEN),
    "disappearing": Sent(media("image", envelope="ephemeral"), "image", ASKED, SEEN, UNSEEN),
    "forwarded": Sent(media("image", is_forwarded=True, quotes="3EB0"), "image", ASKED, SEEN, UNSEEN),
    "in wrapper 91": Sent(media("image", envelope="associated_child"), "image", ASKED, SEEN, UNSEEN),
    "finer twin": Sent(media("image", twin_of="3EB0"), "mark", ""),
    "video": Sent(media("video"), "video", ASKED, WATCHED, NOT_FETCHED),
    "gif": Sent(media("gif"), "video", ASKED, WATCHED, NOT_FETCHED),
    "round video": Sent(media("video_note"), "video", ASKED, WATCHED, NOT_FETCHED),
    "document": Sent(media("document", file=NOTES), "document", ASKED, READ, UNREAD),
    "its caption": Sent(
        media("document", file=NOTES, caption="¿tienen tazas?"), *("document", WORDS, "", UNREAD), ticks=True
    ),
    "sticker": Sent(media("sticker"), "sticker", ASKED, "", NOT_FETCHED, ticks=True),
    "lottie": Sent(media("lottie"), "sticker", ASKED, "", NOT_FETCHED, ticks=True),
    "location": Sent(
        lambda ana: ana.send_place(PLACE), "location", "…Casa, Calle Mayor 1, 40.40000,-3.70000", ticks=True
    ),
    "nowhere": Sent(
        lambda ana: ana.send_place(Place(float("nan"), 0)),
        *("location", ASKED, "envió algo que solo puede leer una persona."),
    ),
    "live location": Sent(message("live_location"), "location", WORDS + ", 40.40000,-3.70000", ticks=True),
    "its next step": Sent(post(live_location(PLACE, 2, seconds_under_way=9)), "mark", ""),
    "contact": Sent(message("contact", "Eva"), "contact", "…Eva, +34 600 999 999", ticks=True),
    "contacts": Sent(
        message("contacts", "Eva"), "contact", "…Eva, +34 600 999 999; Somebody, +34 600 999 999", ticks=True
    ),
    "buttons": Sent(message("buttons_reply"), "text", "…¿tienen tazas?", ticks=True),
    "list": Sent(message("list_reply"), "text", "…¿tienen tazas?\nthe first row", ticks=True),
    "template": Sent(message("template_reply"), "text", "…¿tienen tazas?", ticks=True),
    "flow": Sent(message("interactive_reply"), "text", "…¿tienen tazas?", ticks=True),
    "poll": Sent(message("poll"), "poll", "…¿tienen tazas?\nyes\nno", ticks=True),
    "vote": Sent(message("poll_vote"), "mark", ""),
    "order": Sent(message("order"), "order", "…¿tienen tazas?\nOrder from the catalogue", ticks=True),
    "product": Sent(message("product"), "product", "…¿tienen tazas?\nas on the picture", ticks=True),
    "withheld": Sent(lambda ana: ana.withhold(), "withheld", SPANISH.cannot_open, ticks=True),
}


def wait_for(reached: Callable[[], object], bot: BotProcess) -> None:
    deadline = time.monotonic() + 40
    while not reached():
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.02)


def row_of(bot: BotProcess, message_id: str) -> tuple[Any, ...]:
    """The kind of a message, its state, and the state and the reason of its file."""
    rows = bot.rows(
        "SELECT m.kind, m.state, f.state, f.reason, f.source FROM wabot_inbox m "
        f"LEFT JOIN wabot_received_files f ON f.message_id = m.id WHERE m.message_id = '{message_id}'"
    )
    return rows[0] if rows else ()


def told_of(bot: BotProcess, customer: Customer) -> list[str]:
    rows = bot.rows("SELECT text FROM wabot_owner_lines")
    head = f"🤖 {customer.name}: "
    return [line.removeprefix(head) for (line,) in rows if str(line).startswith(head)]


def asked(model: ProviderServer, customer: Customer) -> str:
    """What the model was to answer to a customer the last time."""
    bodies = [request.body for request in model.requests]
    of_customer = [body for body in bodies if customer.name in texts_of(body)[0]]
    return texts_of(of_customer[-1])[-1]


def test_everything_has_its_row_and_its_end(
    bot: BotProcess, model: ProviderServer, customer: Callable[..., Customer]
) -> None:
    customers = {name: customer() for name in TABLE}
    ids = {name: sent.send(customers[name]) for name, sent in TABLE.items()}
    for name, sent in TABLE.items():
        ana = customers[name]
        wait_for(lambda name=name: row_of(bot, ids[name])[1:2] not in ((), ("pending",)), bot)
        # Where a picture is kept is known until its message is answered.
        wait_for(lambda name=name: row_of(bot, ids[name])[4:] in ((None,), ("",)), bot)
        kind, state, *file = row_of(bot, ids[name])
        assert (kind, state) == (sent.kind, "answered" if sent.answer else "ignored"), name
        assert file == ([None] * 3 if sent.file is None else ["kept out", sent.file, ""]), name
        if sent.answer.startswith("…"):
            assert [reply.text for reply in ana.wait_for_replies(1)] == [ANSWER], name
            assert asked(model, ana).endswith(sent.answer[1:]), name
        elif sent.answer:
            assert [reply.text for reply in ana.wait_for_replies(1)] == [sent.answer], name
        assert told_of(bot, ana) == ([sent.told] if sent.told else []), name
    for name, sent in TABLE.items():
        expected = [ids[name]] if sent.ticks else []
        wait_for(lambda name=name, expected=expected: customers[name].reads == expected, bot)
    assert bot.emulator.media.requests == [], "nothing is fetched that nobody here understands"
    wait_for(lambda: any(HEARD in copy.text for copy in bot.emulator.phone.copies), bot)


def test_somebody_without_a_phone_number(
    bot: BotProcess, model: ProviderServer, customer: Callable[..., Customer]
) -> None:
    ana = customer(addressing="hidden")
    ana.send_media("voice")
    assert ana.wait_for_replies(1)[0].text == ASKED
    picture = ana.send_media("image", caption="¿tienen tazas?")
    assert ana.wait_for_replies(2)[1].text == ANSWER
    ana.edit_caption(picture, "¿y platos?")
    ana.send_place(PLACE)
    ana.wait_for_replies(3)
    assert asked(model, ana).endswith("40.40000,-3.70000")
    ana.send("BAJA")
    assert "no le enviaremos más mensajes" in ana.wait_for_replies(4)[3].text
    voice = ana.send_media("voice")
    wait_for(lambda: row_of(bot, voice)[1:4] == ("ignored", "kept out", "opted out"), bot)
    assert told_of(bot, ana) == [HEARD]
    ((phone, lid),) = bot.rows(f"SELECT phone, lid FROM wabot_chats WHERE name = '{ana.name}'")
    assert (phone, lid) == ("", ana.lid_jid.user)


def test_the_owners_own_file_hands_the_chat_over(bot: BotProcess, customer: Callable[..., Customer]) -> None:
    ana = customer()
    ana.send("hola")
    ana.wait_for_replies(1)
    sent = bot.emulator.phone.send_media(ana, "image")
    wait_for(lambda: row_of(bot, sent)[:4] == ("image", "owner", "kept out", "the owner wrote"), bot)
    asked = ana.send_media("voice")
    wait_for(lambda: row_of(bot, asked)[1:2] == ("ignored",), bot)
    assert len(ana.replies) == 1 and ana.reads[1:] == []


def test_an_edited_caption_is_read(bot: BotProcess, customer: Callable[..., Customer]) -> None:
    ana = customer()
    picture = ana.send_media("image", caption="¿esta?")
    ana.wait_for_replies(1)
    ana.edit_caption(picture, "quiero hablar con una persona")
    assert "persona del equipo" in ana.wait_for_replies(2)[1].text


def test_an_album_is_one_question(
    bot: BotProcess, model: ProviderServer, customer: Callable[..., Customer]
) -> None:
    ana = customer()
    album = ana.send_kind("album")
    ana.send_media("image", caption="¿tienen esta?", album=album)
    time.sleep(1)
    assert ana.replies == [], "the second of two is still to come"
    ana.send_media("image", caption="¿y esta?", album=album)
    ana.wait_for_replies(1)
    assert "¿tienen esta?" in asked(model, ana) and "¿y esta?" in asked(model, ana)
