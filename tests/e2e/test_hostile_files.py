"""Whoever floods a shop with files, lies about them or makes them to hurt, hurts nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import repeat_unanswered
from tests.support.pdf_files import HOSTILE
from wabot.database.states import FileState, KeptOut
from wabot.emulator.people.attachments import File
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.sample_files import silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_server import ModelServer
from wabot.trials.peers.transcriber_behaviours import hear_words

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile-files")]

NOTES, MOST = 300, 20
VOICE = "audio/ogg; codecs=opus"
_ENDS = (
    "SELECT file.state, file.reason, count(*) FROM wabot_received_files AS file JOIN wabot_inbox AS message "
)
_ENDS += "ON message.id = file.message_id WHERE sender LIKE '{lid}%' GROUP BY 1, 2"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BotProcess]:
    with (
        Emulator() as emulator,
        ModelServer(repeat_unanswered()) as model,
        ModelServer(hear_words()) as ears,
    ):
        sections = {
            "[ai.transcribers]": f'name = "ears"\nbase_url = "{ears.base_url}"\nmodel = "m"',
            "media": f"per_chat_per_day = {MOST}",
        }
        running = BotProcess(
            emulator, tmp_path_factory.mktemp("bot"), provider=model.base_url, sections=sections
        )
        running.pair()
        try:
            yield running
        finally:
            running.close()


def note(words: str) -> File:
    return File(silent_voice(words=words), VOICE)


def ends(bot: BotProcess, customer: Customer) -> set[tuple[Any, ...]]:
    """What became of a customer's files, and of how many."""
    return set(bot.rows(_ENDS.format(lid=customer.lid)))


def test_one_who_sends_hundreds_of_notes_has_the_days_number_heard_and_keeps_nobody_waiting(
    bot: BotProcess,
) -> None:
    flood, ana = bot.emulator.customer(1), bot.emulator.customer(2)
    same = note("one of very many")
    for _ in range(NOTES):
        flood.send_media("voice", same)
    began_at = time.monotonic()
    ana.send_media("voice", note("¿Tienen tazas?"))
    assert "¿Tienen tazas?" in ana.wait_for_replies(1, timeout_seconds=30)[0].text
    assert time.monotonic() - began_at < 30
    kept_out = (FileState.KEPT_OUT, KeptOut.TOO_MANY, NOTES - MOST)
    bot.wait_until(lambda: ends(bot, flood) == {(FileState.UNDERSTOOD, "", MOST), kept_out}, 60)


LIES: list[tuple[str, dict[str, Any], str]] = [
    ("voice", {"length": 2 << 30}, KeptOut.TOO_LARGE),
    ("voice", {"length": 10 << 40}, KeptOut.TOO_LARGE),
    ("document", {"length": 2 << 30}, KeptOut.TOO_LARGE),
    ("voice", {"seconds": 1_000_000}, KeptOut.TOO_LONG),
    ("voice", {"media_key": bytes(31)}, "damaged"),
    ("voice", {"media_key": None}, "damaged"),
    ("voice", {"sha256": bytes(32)}, "damaged"),
    ("voice", {"enc_sha256": b"short"}, "damaged"),
    ("voice", {"direct_path": "https://evil.example/?x", "url": "https://evil.example/x"}, "damaged"),
    ("voice", {"direct_path": "/v/\r\nHost: evil?x", "url": ""}, "damaged"),
    ("document", {"file_name": "../../../etc/passwd.pdf"}, ""),
    ("document", {"file_name": "a\0b\u202egpj.pdf"}, ""),
    ("document", {"file_name": "x" * 300 + ".pdf"}, ""),
]


def test_what_is_said_of_a_file_is_believed_by_nobody(bot: BotProcess) -> None:
    eve = bot.emulator.customer(3)
    for kind, lies, _ in LIES:
        eve.send_media(kind, note("hola") if kind == "voice" else None, lies=lies)
    rows = "SELECT file.reason, file.file_name, file.state FROM wabot_received_files AS file JOIN wabot_inbox"
    rows += f" AS message ON message.id = file.message_id WHERE sender LIKE '{eve.lid}%' ORDER BY file.id"
    bot.wait_until(
        lambda: (
            len(found := bot.rows(rows)) == len(LIES)
            and not {state for _, _, state in found} & {FileState.PENDING, FileState.FETCHED}
        ),
        60,
    )
    for (kind, lies, reason), (why, name, _) in zip(LIES, bot.rows(rows), strict=True):
        assert why.startswith(reason) and bool(why) == bool(reason), (kind, lies, why)
        assert not set("/\0\u202e\\") & set(name) and len(name) <= 120
    media = bot.state / "sessions" / "shop" / "media"
    bot.wait_until(lambda: not list(media.glob("*")))
    eve.send("¿Y ahora?")
    bot.emulator.wait_until(lambda: any("¿Y ahora?" in reply.text for reply in eve.replies))


def test_documents_that_are_made_to_hurt(bot: BotProcess) -> None:
    mallory, ana = bot.emulator.customer(4), bot.emulator.customer(5)
    made = ["bomb", "draws itself", "page references", "garbage"]
    for name in made:
        mallory.send_media("document", File(HOSTILE[name](), "application/pdf", f"{name}.pdf"))
    ana.send_media("voice", note("¿Cuánto cuesta?"))
    assert "¿Cuánto cuesta?" in ana.wait_for_replies(1, timeout_seconds=40)[0].text
    bot.wait_until(lambda: {state for state, *_ in ends(bot, mallory)} == {FileState.FAILED}, 90)
    assert sum(count for *_, count in ends(bot, mallory)) == len(made)
    mallory.wait_for_replies(1)
