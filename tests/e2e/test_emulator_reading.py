"""What the real client library reads of all that the emulator's people write."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.transcripts import retries
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.message_kinds import KINDS
from wabot.trials.peers.echo_process import EchoProcess

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("emulator-reading")]


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, EchoProcess]]:
    session = tmp_path_factory.mktemp("listening") / "session.sqlite"
    with (
        Emulator(seed=3, offline_after="success") as running,
        EchoProcess(running, session, "--listen") as process,
    ):
        process.pair()
        yield running, process


class TestReading:
    """What a bot is told that only listens."""

    def test_the_sender_has_a_name_and_both_addresses(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana, ben = running.customer(1, name="Ana"), running.customer(2, addressing="phone")
        sent = time.time()
        told = bot.wait_for("message", id=ana.send("old", age_seconds=3600))
        assert told["name"] == "Ana" and told["text"] == "old" and not told["from_me"]
        assert told["chat"] == str(ana.lid_jid) and told["sender_alt"] == ana.phone
        assert abs(told["timestamp_ms"] / 1000 - (sent - 3600)) < 5
        told = bot.wait_for("message", id=ben.send("by number"))
        assert told["chat"] == str(ben.phone_jid) and told["sender_alt"] == ben.lid

    def test_the_owner_writes_from_the_phone(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        told = bot.wait_for("message", id=running.phone.write(ana, "I take over"))
        assert told["from_me"] and told["text"] == "I take over" and told["chat"] == str(ana.lid_jid)

    def test_a_group(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        group = running.group("Team", [ana, running.customer(2)])
        message_id = group.send(ana, "@bot hello", mention_bot=True)
        told = bot.wait_for("message", id=message_id, text="@bot hello")
        # Of a member's first message the library tells twice: it has brought the member's key as well.
        fields = [each["fields"] for each in bot.find("message", id=message_id)]
        assert fields == [["senderKeyDistributionMessage"], ["extendedTextMessage"]]
        assert told["group"] and told["sender"] == ana.lid
        assert told["chat"] == str(group.jid) and "extendedTextMessage" in told["fields"]
        with pytest.raises(ValueError, match="is not a member of Team"):
            group.send(running.customer(3), "hello")

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"unborn", "unborn_envelope", "empty"}))
    def test_other_kinds(self, listening: tuple[Emulator, EchoProcess], kind: str) -> None:
        running, bot = listening
        told = bot.wait_for("message", id=running.customer(1).send_kind(kind, "so it says"))
        assert set(told["fields"]) - {"messageContextInfo"}

    @pytest.mark.parametrize("kind", ["unborn", "unborn_envelope"])
    def test_a_kind_that_nobody_knows_yet(self, listening: tuple[Emulator, EchoProcess], kind: str) -> None:
        running, bot = listening
        told = bot.wait_for("message", id=running.customer(1).send_kind(kind, "so it says"))
        assert set(told["fields"]) <= {"messageContextInfo"}

    def test_a_timer(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        message_id = running.customer(1).send("gone tomorrow", expiration_seconds=86_400)
        told = bot.wait_for("message", id=message_id)
        assert told["text"] == "gone tomorrow" and told["expiration_seconds"] == 86_400

    def test_an_id_of_any_kind(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        odd = "A1 from 34699888777@s.whatsapp.net: old counter"
        assert running.customer(1).send("odd", message_id=odd) == odd
        assert bot.wait_for("message", id=odd)["text"] == "odd"

    def test_what_is_withheld_may_come_after_all(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        message_id = ana.withhold("look")
        told = bot.wait_for("undecryptable", id=message_id)
        assert told["unavailable"] and told["type"] == "media"
        ana.resend(message_id)
        assert "imageMessage" in bot.wait_for("message", id=message_id)["fields"]
        message_id = ana.withhold("hello", kind="")
        told = bot.wait_for("undecryptable", id=message_id)
        assert told["unavailable"] and told["type"] == "text"

    def test_what_is_spoilt_each_time_is_given_up(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        lost = ana.send("nobody reads this", spoil=99)
        running.wait_until(lambda: retries(running, lost) == 4)
        came = ana.send("but this", spoil=2)
        assert bot.wait_for("message", id=came)["text"] == "but this"
        assert retries(running, lost) == 4 and retries(running, came) == 2
        assert len(bot.find("undecryptable", id=lost)) == 5 and not bot.find("message", id=lost)

    def test_what_is_done_to_a_message_later(self, listening: tuple[Emulator, EchoProcess]) -> None:
        running, bot = listening
        ana = running.customer(1)
        message_id = ana.send("helo")
        edit = bot.wait_for("message", id=ana.edit(message_id, "hello"))
        assert edit["edit"] == "1" and edit["text"] in ("", "hello")
        assert "reactionMessage" in bot.wait_for("message", id=ana.react(message_id, "👍"))["fields"]
        assert bot.wait_for("message", id=ana.reply_to(message_id, "as I said"))["text"] == "as I said"
        revoke = bot.wait_for("message", id=ana.revoke(message_id))
        assert revoke["edit"] == "7" and "protocolMessage" in revoke["fields"]

    def test_a_message_whose_process_was_away_comes_after_its_start(
        self, listening: tuple[Emulator, EchoProcess], tmp_path: Path
    ) -> None:
        running, bot = listening
        session = Path(shutil.copy(bot.session, tmp_path / "session.sqlite"))
        running.wait_until(lambda: running.bot.backlog == 0)
        bot.kill()
        running.wait_until(lambda: not running.bot.connected)
        message_id = running.customer(1).send("while you were away")
        assert running.bot.backlog == 1
        with EchoProcess(running, session, "--listen") as again:
            assert again.wait_for("message", id=message_id)["text"] == "while you were away"
            running.wait_until(lambda: running.bot.backlog == 0)
