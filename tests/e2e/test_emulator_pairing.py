"""How the real client library is linked by the emulator's phone, and how not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wabot.emulator.people.pairing import PairingError
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.world.service import NotLinked
from wabot.trials.peers.echo_process import EchoProcess

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("emulator-pairing")]


class TestPairing:
    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Iterator[tuple[Emulator, EchoProcess]]:
        with Emulator(seed=2) as running, EchoProcess(running, tmp_path / "session.sqlite") as process:
            yield running, process

    def test_unlinked_by_the_owner(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        bot.pair()
        running.log_out()
        assert "OnConnect: false" in bot.wait_for("logged_out")["detail"]
        assert not running.bot.paired
        with pytest.raises(NotLinked, match="scan its code first"):
            running.customer(1).send("anybody?")

    def test_the_phone_refuses(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        running.phone.refuse(bot.wait_for("qr")["code"])
        assert bot.wait_for("login_status")["status"] == "error"
        assert not running.bot.paired

    def test_a_code_that_is_none(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        code = bot.wait_for("qr")["code"]
        with pytest.raises(PairingError, match="no code to link a device"):
            running.phone.scan("hello")
        with pytest.raises(PairingError, match="not on show any more"):
            running.phone.scan(code.replace("2@", "2@x"))

    def test_a_code_typed_into_the_phone(self, tmp_path: Path) -> None:
        with Emulator(seed=2) as running:
            phone = f"+{running.bot.phone}"
            with EchoProcess(running, tmp_path / "wrong.sqlite", "--phone", phone) as bot:
                bot.wait_for("code")
                with pytest.raises(PairingError, match="the code is wrong"):
                    running.phone.type_code("ABCD-EFGH")
            with EchoProcess(running, tmp_path / "session.sqlite", "--phone", phone) as bot:
                running.phone.type_code(bot.wait_for("code")["code"])
                running.wait_for_login()
                assert running.bot.paired

    def test_a_code_for_another_number(self, tmp_path: Path) -> None:
        with Emulator(seed=2) as running:
            with pytest.raises(PairingError, match="no device has made a code"):
                running.phone.type_code("ABCD-EFGH")
            with EchoProcess(running, tmp_path / "session.sqlite", "--phone", "+34911111111") as bot:
                assert "404" in bot.wait_for("no_code")["error"]

    def test_outdated_before_it_is_linked(self, tmp_path: Path) -> None:
        with Emulator(seed=2) as running:
            running.faults.fail_login(405)
            with EchoProcess(running, tmp_path / "session.sqlite") as bot:
                assert bot.wait_for("login_status")["status"] == "err-client-outdated"

    def test_a_drop_while_the_code_shows_ends_the_pairing(self, fresh: tuple[Emulator, EchoProcess]) -> None:
        running, bot = fresh
        bot.wait_for("qr")
        running.cut()
        bot.wait_for("login_status")
        assert running.bot.dials == 1 and not bot.find("raised") and not bot.find("returned")

    def test_a_redial_refused_after_pairing_is_not_repeated(
        self, fresh: tuple[Emulator, EchoProcess]
    ) -> None:
        running, bot = fresh
        running.faults.after_pairing("refuse_redial")
        running.phone.scan(bot.wait_for("qr")["code"])
        running.wait_until(lambda: running.bot.dials == 2)
        bot.wait_for("paired")
        time.sleep(0.5)
        assert "Failed to reconnect after 515 code" in bot.log
        assert running.bot.dials == 2

    def test_a_link_dropped_instead_of_515_is_not_redialled(
        self, fresh: tuple[Emulator, EchoProcess]
    ) -> None:
        running, bot = fresh
        running.faults.after_pairing("drop")
        running.phone.scan(bot.wait_for("qr")["code"])
        bot.wait_for("paired")
        time.sleep(0.3)
        assert running.bot.paired and running.bot.dials == 1
