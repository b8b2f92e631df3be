"""Dials that come to nothing, and links that end for good, as the real client library takes them."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.transcripts import count_logins
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.echo_process import EchoProcess

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("emulator-endings")]


@pytest.fixture(scope="module")
def second_emulator() -> Iterator[Emulator]:
    with Emulator(seed=1) as running:
        yield running


@pytest.fixture(scope="module")
def paired_session(second_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session store of a bot that was linked once, to be copied."""
    session = tmp_path_factory.mktemp("paired") / "session.sqlite"
    with EchoProcess(second_emulator, session) as process:
        process.pair()
    return session


@pytest.fixture
def start(
    second_emulator: Emulator, paired_session: Path, tmp_path: Path
) -> Iterator[Callable[[], EchoProcess]]:
    """Starts a linked bot that this test may ruin."""
    processes = []

    def run() -> EchoProcess:
        session = tmp_path / f"{len(processes)}.sqlite"
        shutil.copy(paired_session, session)
        processes.append(EchoProcess(second_emulator, session))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
    second_emulator.faults.clear()
    second_emulator.wait_until(lambda: not second_emulator.bot.connected)


class TestDials:
    @pytest.mark.parametrize("stage", ["tls", "upgrade", "handshake", "success"])
    def test_a_dial_hangs(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess], stage: str
    ) -> None:
        dials, logins = second_emulator.bot.dials, second_emulator.bot.logins
        second_emulator.faults.hang(stage)  # type: ignore[arg-type]
        bot = start()
        second_emulator.wait_until(lambda: second_emulator.bot.dials == dials + 1)
        time.sleep(0.3)
        assert second_emulator.bot.logins == logins
        assert bot.events == []

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (
                lambda wa: wa.faults.http_status(503),
                "expected handshake response status code 101 but got 503",
            ),
            (lambda wa: wa.faults.refuse(60), "connection refused"),
            (lambda wa: wa.faults.refuse_dials(), "failed to dial"),
        ],
        ids=["http", "refused", "closed"],
    )
    def test_a_first_dial_fails(
        self,
        second_emulator: Emulator,
        start: Callable[[], EchoProcess],
        fault: Callable[[Emulator], None],
        reason: str,
    ) -> None:
        fault(second_emulator)
        assert reason in start().wait_for("raised")["error"]
        second_emulator.accept_connections()

    def test_queries_without_an_answer_keep_it_from_the_login(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess]
    ) -> None:
        logins = second_emulator.bot.logins
        second_emulator.faults.ignore_queries("passive")
        taken = count_logins(second_emulator)
        bot = start()
        second_emulator.wait_until(lambda: count_logins(second_emulator) > taken)
        time.sleep(0.3)
        assert second_emulator.bot.logins == logins
        assert bot.events == []


class TestEndings:
    @pytest.mark.parametrize(
        ("reason", "event", "detail"),
        [
            (400, "connect_failure", "GENERIC"),
            (401, "logged_out", "LOGGED_OUT"),
            (402, "banned", "Code: SEND_TO_TOO_MANY_PEOPLE\nExpire: 60"),
            (403, "logged_out", "MAIN_DEVICE_GONE"),
            (404, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (405, "outdated", ""),
            (406, "logged_out", "UNKNOWN_LOGOUT"),
            (409, "connect_failure", "BAD_USER_AGENT"),
            (411, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (415, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (418, "raised", "required field neonize.ConnectFailure.Reason not set"),
            (500, "disconnected", ""),
            (501, "connect_failure", "EXPERIMENTAL"),
            (503, "disconnected", ""),
        ],
    )
    def test_a_login_is_refused(
        self,
        second_emulator: Emulator,
        start: Callable[[], EchoProcess],
        reason: int,
        event: str,
        detail: str,
    ) -> None:
        second_emulator.faults.fail_login(reason)
        seen = start().wait_for(event)
        assert detail in seen.get("detail", seen.get("error"))

    def test_a_ban_tells_how_long_it_lasts_and_ends(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess]
    ) -> None:
        # A busy machine takes seconds until the process dials.
        end = time.monotonic() + 8
        second_emulator.ban(8, code=104)
        assert re.search(r"Expire: [1-8]\n", start().wait_for("banned")["detail"])
        time.sleep(max(0.0, end - time.monotonic()))
        start().wait_for("connected")

    def test_a_ban_with_a_new_code(self, second_emulator: Emulator, start: Callable[[], EchoProcess]) -> None:
        second_emulator.faults.fail_login(402, code=107)
        assert "required field neonize.TemporaryBan" in start().wait_for("raised")["error"]

    def test_an_unknown_receipt_ends_the_event_loop(
        self, second_emulator: Emulator, tmp_path: Path, paired_session: Path
    ) -> None:
        session = shutil.copy(paired_session, tmp_path / "session.sqlite")
        with EchoProcess(second_emulator, Path(session), "--receipts") as bot:
            bot.wait_for("connected")
            second_emulator.receipt(second_emulator.customer(1), "server-error")
            assert "required field neonize.Receipt.Type" in bot.wait_for("raised")["error"]
            assert second_emulator.bot.connected

    def test_a_second_process_replaces_the_first(
        self, second_emulator: Emulator, start: Callable[[], EchoProcess]
    ) -> None:
        first = start()
        first.wait_for("connected")
        second = start()
        first.wait_for("replaced")
        second.wait_for("connected")

    def test_replaced_by_command(self, second_emulator: Emulator, start: Callable[[], EchoProcess]) -> None:
        bot = start()
        bot.wait_for("connected")
        second_emulator.replace()
        bot.wait_for("replaced")
        second_emulator.wait_until(lambda: not second_emulator.bot.connected)
