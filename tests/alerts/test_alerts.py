from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support import REPOSITORY
from tests.support.alert_receivers import WebhookReceiver, wait_until
from wabot.alerts.checks import LinkView, look_at_disk, look_at_link, look_at_replies
from wabot.alerts.dispatcher import Dispatcher
from wabot.alerts.notice import Condition, Findings, Problem, span
from wabot.alerts.notification_log import NotificationFile, NotificationLog
from wabot.alerts.watcher import Watcher, report_database_away
from wabot.brain.providers.counts import CallCounts
from wabot.clock import utc_now
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.models import Chat, Outbound
from wabot.errors import ConfigError
from wabot.link.states import State

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
MADRID = ZoneInfo("Europe/Madrid")
KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OF_THE_LINK = {
    "logged_out",
    "replaced",
    "outdated",
    "pairing_expired",
    "failed",
    "banned",
    "unstable",
    "offline",
    "no_room",
}


# What is wrong.


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        (State.LOGGED_OUT, "logged_out"),
        (State.REPLACED, "replaced"),
        (State.OUTDATED, "outdated"),
        (State.PAIRING_EXPIRED, "pairing_expired"),
        (State.FAILED, "failed"),
        (State.BANNED, "banned"),
        (State.COOLDOWN, "unstable"),
        (State.CONNECTING, "offline"),
        (State.RECONNECTING, "offline"),
        (State.BACKOFF, "offline"),
        (State.STARTING, None),
        (State.PAIRING, None),
        (State.STOPPING, None),
        (State.CONNECTED, None),
    ],
)
def test_each_state(state: State, condition: str | None) -> None:
    link = LinkView(state, "why", NOON - 30, NOON + 60)
    found = look_at_link(link, NOON, NOON - 900, 600, MADRID, "wabot.service")
    assert [problem.condition for problem in found.problems] == [condition] * (condition is not None)
    assert not found.cleared
    for problem in found.problems:
        assert problem.detail == "why"
        assert problem.patience_seconds == (600 if condition == "offline" else 0)
        assert condition != "offline" or problem.values == (("span", "10 min"),)


@pytest.mark.parametrize("state", [State.STARTING, State.PAIRING, State.STOPPING])
def test_what_is_neither_up_nor_down_says_nothing_however_long_it_takes(state: State) -> None:
    link = LinkView(state, "", NOON - 900)
    assert look_at_link(link, NOON, NOON - 900, 600, MADRID, "wabot.service") == Findings()


def test_until_when_in_the_owners_time() -> None:
    link = LinkView(State.BANNED, "", NOON, NOON + 3600)
    (problem,) = look_at_link(link, NOON, NOON - 900, 600, MADRID, "").problems
    assert dict(problem.values) == {"until": "2026-11-22 14:00 CET"}


def test_a_link_that_holds_is_the_end_of_all_trouble_with_it() -> None:
    def cleared(up_seconds: float, offline_seconds: float) -> set[str]:
        link = LinkView(State.CONNECTED, "", NOON - up_seconds)
        return set(look_at_link(link, NOON, NOON - 900, offline_seconds, None, "wabot.service").cleared)

    assert cleared(59, 600) == set()
    assert cleared(60, 600) == OF_THE_LINK | {"process_failed:wabot.service"}
    # What is worth an alert so soon is over so soon; no more than that.
    assert cleared(9, 10) == set()
    assert cleared(10, 10) == {"offline"}


class Restarts:
    """What the owner is told of a link, through processes that come and go; times are seconds."""

    def __init__(self, offline_seconds: float) -> None:
        self._offline_seconds = offline_seconds
        self._book = NotificationLog()
        self.now = 0.0
        self.told_at: list[float] = []

    def process(self, *spans: tuple[State, float], away_seconds: float = 10) -> None:
        """One that goes through states for so long each, is looked at every ten seconds, and ends."""
        started_at = self.now
        for state, seconds in spans:
            since, until = self.now, self.now + seconds
            while self.now < until:
                link = LinkView(state, "", NOON + since)
                times = (NOON + self.now, NOON + started_at)
                found = look_at_link(link, *times, self._offline_seconds, None, "")
                fresh, _ = self._book.observe(found.problems, found.cleared, NOON + self.now)
                self.told_at += [self.now] * bool(fresh)
                self.now = min(self.now + 10, until)
        self.now += away_seconds


@pytest.mark.parametrize("up_seconds", [1, 5, 9, 30, 300])
def test_an_ordinary_restart_is_no_lost_connection(up_seconds: float) -> None:
    bot = Restarts(10)
    bot.process((State.CONNECTING, 2), (State.CONNECTED, up_seconds), (State.STOPPING, 2), away_seconds=3)
    bot.process((State.CONNECTING, 2), (State.CONNECTED, 60))
    assert bot.told_at == []


def test_a_process_that_has_just_begun_has_the_time_to_connect() -> None:
    bot = Restarts(10)
    bot.process((State.CONNECTED, 100), (State.RECONNECTING, 5), (State.STOPPING, 4))
    began = bot.now
    bot.process((State.CONNECTING, 60))
    assert bot.told_at == [began + 10]


@pytest.mark.parametrize("lives_seconds", [5, 40, 120, 400])
def test_a_bot_that_starts_over_and_over_without_a_link_is_told_of(lives_seconds: float) -> None:
    bot = Restarts(600)
    while bot.now < 1200:
        bot.process((State.CONNECTING, lives_seconds))
    (told_at,) = bot.told_at
    assert 600 <= told_at <= 680


@pytest.mark.parametrize(
    ("seconds", "shown"), [(10, "10 s"), (90, "90 s"), (120, "2 min"), (600, "10 min"), (86_400, "1440 min")]
)
def test_how_long_is_told_as_it_was_set(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


def test_replies_that_do_not_leave(sqlite_database: Any) -> None:
    now = utc_now()
    chat = Chat.create(user_id="shop", contact="1", jid="1@lid", created_at=now)

    def add(state: str, age_minutes: float, sent_minutes_ago: float | None = None) -> Outbound:
        return Outbound.create(
            user_id="shop",
            chat=chat,
            text="hola",
            state=state,
            secret=b"",
            created_at=now,
            not_before=now - timedelta(minutes=age_minutes),
            sending_at=None if sent_minutes_ago is None else now - timedelta(minutes=sent_minutes_ago),
            sent_at=None if sent_minutes_ago is None else now - timedelta(minutes=sent_minutes_ago),
        )

    def look(connected: bool = True, per_hour: int = 0) -> tuple[list[str], set[str], int | None]:
        found, lost = look_at_replies("shop", connected, per_hour, now)
        return [problem.condition.value for problem in found.problems], set(found.cleared), lost

    well = ([], {"database_away", "replies_stuck"}, 0)
    add("pending", 14)
    assert look() == well
    add("pending", 16)
    assert look() == (["replies_stuck"], {"database_away"}, 0)
    assert look(connected=False) == ([], {"database_away"}, 0)
    sent = [add("sent", 20, sent_minutes_ago=minutes) for minutes in (16, 20, 30)]
    assert look() == (["replies_stuck"], {"database_away"}, 0)
    assert look(per_hour=3) == well, "this chat has had its share"
    at = now - timedelta(minutes=3)
    Outbound.update(sending_at=at, sent_at=at).where(Outbound.id == sent[0].id).execute()
    assert look() == well
    add("dead", 0)
    add("unsure", 0)
    assert look()[2] == 1


def test_a_database_that_does_not_answer(sqlite_database: Any) -> None:
    sqlite_database.execute_sql("DROP TABLE wabot_outbox")
    found, lost = look_at_replies("shop", True, 0, utc_now())
    assert [problem.condition for problem in found.problems] == [Condition.DATABASE_AWAY]
    assert (found.cleared, lost) == ((), None)


def test_a_database_that_can_be_read_but_takes_no_messages(sqlite_database: Any) -> None:
    found, lost = look_at_replies(
        "shop", True, 0, utc_now(), "database away since 10:02, 37 messages kept on disk"
    )
    (problem,) = found.problems
    assert (problem.condition, problem.detail[:13]) == (Condition.DATABASE_AWAY, "database away")
    assert (found.cleared, lost) == ((), 0)
    found, _ = look_at_replies("shop", True, 0, utc_now(), "")
    assert Condition.DATABASE_AWAY in found.cleared


def test_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_at_disk(tmp_path).cleared == [Condition.DISK_LOW]
    assert not look_at_disk(tmp_path / "gone").cleared
    monkeypatch.setattr("wabot.alerts.checks._LOW_BYTES", 1 << 62)
    (problem,) = look_at_disk(tmp_path).problems
    assert problem.condition is Condition.DISK_LOW
    assert int(dict(problem.values)["megabytes"]) > 0


# The settings.


def configured(tmp_path: Path, alerts: str, environ: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "shop.toml"
    account = '[account]\nuser_id = "shop"\nlanguage = "en"\n'
    file.write_text(f'{account}[paths]\nstate = "{tmp_path / "state"}"\n[alerts]\n{alerts}\n')
    return load_settings(file, environ or {})


def test_secrets_are_looked_up(tmp_path: Path) -> None:
    settings = configured(
        tmp_path,
        'webhook_url = "env:HOOK"\nwebhook_secret = "env:SIGN"\n'
        'smtp_url = "env:MAIL"\nto = ["a@example.com"]',
        {"HOOK": "https://example.com/hook", "SIGN": "s3cret", "MAIL": "smtps://u:p@mail.example.com"},
    ).alerts
    assert settings.webhook_url == "https://example.com/hook"
    assert settings.webhook_secret == "s3cret"
    assert settings.smtp_url == "smtps://u:p@mail.example.com"
    for secret in ("s3cret", "hook", "u:p"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('webhook_url = "ftp://example.com"', "alerts.webhook_url = ***"),
        ('webhook_url = "env:BAD"', "alerts.webhook_url = ***"),
        ('webhook_secret = "env:ODD"', "alerts.webhook_secret = ***: after whsec_ allowed is base64"),
        ('webhook_secret = "env:CUT"', "alerts.webhook_secret = ***: after whsec_ allowed is base64"),
        ('webhook_secret = "env:SHORT"', "allowed is base64 of 24 to 64 bytes"),
        ('webhook_secret = "env:LONG"', "allowed is base64 of 24 to 64 bytes"),
        ('webhook_secret = "env:BARE"', "alerts.webhook_secret = ***: after whsec_ allowed is base64"),
        ('webhook_url = "env:NONE"', "NONE is not set"),
        ('webhook_secret = "in the open"', "alerts.webhook_secret = ***"),
        ('smtp_url = "smtps://mail.example.com"', "alerts.to = []"),
        ('smtp_url = "smtps://mail.example.com:99999"\nto = ["a@example.com"]', "alerts.smtp_url = ***"),
        ('to = ["a@example.com"]', "alerts.smtp_url is missing"),
        ('smtp_url = "smtp://localhost"\nto = ["a@example.com\\nBcc: b@example.com"]', "alerts.to"),
        ('smtp_url = "smtp://localhost"\nto = ["Ana <a@example.com>"]', "alerts.to"),
        ('sender = "a"', "alerts.sender"),
        ("offline_after = 1", "alerts.offline_after"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, lines: str, problem: str) -> None:
    environ = {"BAD": "no address", "ODD": "whsec_a2tr!", "CUT": "whsec_notbase64", "BARE": "whsec_"}
    environ |= {"SHORT": "whsec_MfKQ", "LONG": "whsec_" + "MfKQ" * 22}
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, lines, environ)
    assert problem in str(caught.value)


# The thread.

MakeAlerts = Callable[..., Watcher]


@pytest.fixture
def make_alerts(
    tmp_path: Path, receiver: WebhookReceiver, sqlite_database: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeAlerts]:
    monkeypatch.setattr("wabot.alerts.watcher._LOOK_SECONDS", 0.05)
    monkeypatch.setattr("wabot.alerts.watcher.PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("wabot.alerts.notification_log._FIRST_RETRY_SECONDS", 0.1)
    settings = configured(
        tmp_path, f'webhook_url = "{receiver.url}"\nwebhook_secret = "env:SIGN"', {"SIGN": SECRET}
    )
    running: list[Watcher] = []

    def make(storing: Any = None) -> Watcher:
        alerts = Watcher(settings, CallCounts(), storing)
        running.append(alerts)
        alerts.start()
        return alerts

    yield make
    for alerts in running:
        alerts.stop(10)


def banned() -> LinkView:
    return LinkView(State.BANNED, "too many messages to strangers (101)", time.time(), time.time() + 600)


def well() -> LinkView:
    return LinkView(State.CONNECTED, "", time.time() - 100)


def test_each_change_is_told_once(make_alerts: MakeAlerts, receiver: WebhookReceiver) -> None:
    alerts = make_alerts()
    for _ in range(5):
        alerts.link_changed(banned())
        time.sleep(0.06)
    receiver.wait_for(1)
    alerts.link_changed(well())
    receiver.wait_for(2)
    alerts.stop(10)
    assert receiver.kinds() == ["alert banned", "recovery banned"]
    assert all(call.is_signed_with(KEY) for call in receiver.calls)


def test_a_refusal_is_told_at_once_and_nothing_is_sent_again_until_something_changes(
    make_alerts: MakeAlerts, receiver: WebhookReceiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 404
    alerts = make_alerts()
    alerts.link_changed(banned())
    receiver.wait_for(1)
    alerts.link_changed(well())
    receiver.wait_for(2)
    alerts.stop(10)
    told = "alerts by webhook do not arrive until that is mended: the web address answered 404"
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [told]
    assert receiver.kinds() == ["alert banned", "recovery banned"]
    book = NotificationFile(tmp_path / "state" / "alerts" / "shop.json").read()
    assert book.refused["webhook"][1] == "the web address answered 404"
    # Mended, and started again.
    receiver.status = 204
    make_alerts()
    receiver.wait_for(4)
    assert receiver.kinds()[2:] == ["alert banned", "recovery banned"]


def test_how_long_the_process_lives_is_counted_from_its_beginning(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[tuple[Any, ...]] = []
    monkeypatch.setattr("wabot.alerts.watcher.look_at_link", lambda *asked: looks.append(asked) or Findings())
    began = time.time()
    alerts = make_alerts()
    made = time.time()
    alerts.stop(10)
    _, _, started_at, *_ = looks[0]
    assert began <= started_at <= made
    assert looks[-1][2] == started_at


class Clockless(threading.Condition):
    """Waits in no time, and remembers for how long it should have."""

    def __init__(self, then: Callable[[int], None]) -> None:
        super().__init__()
        self.waits: list[tuple[float | None, bool]] = []
        self._then = then

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> bool:
        woken = bool(predicate())
        self.waits.append((timeout, woken))
        self._then(len(self.waits))
        return woken


def test_how_often_the_owners_alerts_are_looked_at(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.alerts.watcher._LOOK_SECONDS", 10.0)
    monkeypatch.setattr("wabot.alerts.watcher.PAUSE_SECONDS", 1.0)
    alerts = make_alerts()
    alerts.stop(10)
    alerts._stopping = False
    pauses: list[float | None] = [None, 300.0, 0.0, 4.0]

    def deliver() -> float | None:
        return pauses.pop(0) if pauses else {}["a receiver nobody foresaw"]

    def then(looked: int) -> None:
        alerts._stopping = looked == 5

    monkeypatch.setattr(alerts._dispatcher, "deliver", deliver)
    alerts._changed = Clockless(then)
    alerts._run()
    assert [seconds for seconds, _ in alerts._changed.waits] == [10.0, 10.0, 1.0, 4.0, 10.0, 10.0]
    assert [woken for _, woken in alerts._changed.waits] == [False, False, False, False, False, True]


def test_a_change_of_the_link_is_looked_at_at_once(make_alerts: MakeAlerts) -> None:
    alerts = make_alerts()
    alerts.stop(10)
    alerts._stopping = False
    looks: list[LinkView] = []

    def then(looked: int) -> None:
        if looked == 2:
            alerts._stopping = True

    alerts._look = looks.append  # type: ignore[method-assign]
    alerts._changed = Clockless(then)
    alerts._woken = True
    alerts._dispatcher.deliver = lambda: alerts.link_changed(banned()) if len(looks) == 1 else None  # type: ignore[method-assign]
    alerts._run()
    assert [woken for _, woken in alerts._changed.waits][:2] == [True, False]
    assert looks[1].state is State.BANNED


@pytest.mark.parametrize(("seconds", "settled"), [(5, False), (3600, True)])
def test_replies_that_wait_right_after_a_reconnect_are_not_stuck(
    make_alerts: MakeAlerts, monkeypatch: pytest.MonkeyPatch, seconds: float, settled: bool
) -> None:
    asked: list[bool] = []

    def look(user_id: str, connected: bool, *rest: Any) -> Any:
        asked.append(connected)
        return look_at_replies(user_id, connected, *rest)

    alerts = make_alerts()
    alerts.stop(10)
    monkeypatch.setattr("wabot.alerts.watcher.look_at_replies", look)
    alerts._look(LinkView(State.CONNECTED, "", time.time() - seconds))
    alerts._look(LinkView(State.BACKOFF, "", time.time() - seconds))
    assert asked == [settled, False]


def test_a_restart_repeats_nothing(make_alerts: MakeAlerts, receiver: WebhookReceiver) -> None:
    for _ in range(3):
        alerts = make_alerts()
        alerts.link_changed(banned())
        receiver.wait_for(1)
        alerts.stop(10)
    alerts = make_alerts()
    alerts.link_changed(well())
    receiver.wait_for(2)
    alerts.stop(10)
    assert receiver.kinds() == ["alert banned", "recovery banned"]


def test_the_last_news_is_told_at_the_end(make_alerts: MakeAlerts, receiver: WebhookReceiver) -> None:
    alerts = make_alerts()
    alerts.link_changed(LinkView(State.LOGGED_OUT, "the phone removed it (401)", time.time()))
    alerts.stop(10)
    assert receiver.kinds() == ["alert logged_out"]


def test_a_receiver_that_is_down_gets_it_later_and_once(
    make_alerts: MakeAlerts, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    receiver.status = 503
    alerts = make_alerts()
    alerts.link_changed(banned())
    receiver.wait_for(3)
    alerts.link_changed(well())
    receiver.status = 204
    wait_until(lambda: "recovery banned" in receiver.kinds(), 20, receiver.kinds)
    alerts.stop(10)
    kinds = receiver.kinds()
    assert kinds == ["alert banned"] * (len(kinds) - 1) + ["recovery banned"]
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 2
    assert "the web address answered 503" in caplog.text
    assert "T0KEN" not in caplog.text


def test_an_outage_of_the_database_is_told_once_and_its_end_once(
    make_alerts: MakeAlerts, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database can be read all the time: only whoever stores messages knows."""
    monkeypatch.setattr("wabot.alerts.checks._DATABASE_SECONDS", 0.1)
    storing = SimpleNamespace(trouble="database away since 10:02, 37 messages kept on disk")
    alerts = make_alerts(storing)
    for _ in range(10):
        alerts.link_changed(well())
        time.sleep(0.06)
    (alert,) = receiver.wait_for(1)
    storing.trouble = ""
    for _ in range(5):
        alerts.link_changed(well())
        time.sleep(0.06)
    receiver.wait_for(2)
    alerts.stop(10)
    assert receiver.kinds() == ["alert database_away", "recovery database_away"]
    assert "database away since 10:02, 37 messages kept on disk" in alert.content["text"]


def test_without_a_channel_there_is_no_thread(tmp_path: Path) -> None:
    alerts = Watcher(configured(tmp_path, ""), CallCounts())
    alerts.start()
    alerts.link_changed(banned())
    alerts.stop(0)
    assert not (tmp_path / "state").exists()


# The command.


def run(tmp_path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wabot", "alert", "--config", str(tmp_path / "shop.toml"), *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_command_test(tmp_path: Path, receiver: WebhookReceiver) -> None:
    configured(tmp_path, "")
    answer = run(tmp_path, "--test")
    assert answer.returncode == 78
    assert "no alerts are configured" in answer.stderr
    configured(tmp_path, f'webhook_url = "{receiver.url}"')
    answer = run(tmp_path, "--test")
    assert (answer.returncode, answer.stdout) == (0, "webhook: delivered\n")
    assert receiver.kinds() == ["test"]
    receiver.status = 500
    answer = run(tmp_path, "--test")
    assert (answer.returncode, answer.stdout) == (1, "webhook: the web address answered 500\n")


def test_command_failed_tells_why_and_only_once(tmp_path: Path, receiver: WebhookReceiver) -> None:
    configured(tmp_path, f'webhook_url = "{receiver.url}"')
    ended = {"MONITOR_EXIT_STATUS": "78", "MONITOR_SERVICE_RESULT": "exit-code"}
    for _ in range(2):
        answer = run(tmp_path, "--failed", "wabot.service", **ended)
        assert (answer.returncode, answer.stderr) == (0, "")
    assert receiver.kinds() == ["alert process_failed"]
    assert "exit 78, operator needed" in receiver.calls[0].content["text"]
    assert "systemctl status wabot.service" in receiver.calls[0].content["text"]
    killed = {"MONITOR_EXIT_STATUS": "KILL", "MONITOR_SERVICE_RESULT": "oom-kill"}
    assert run(tmp_path, "--failed", "wabot@b.service", **killed).returncode == 0
    assert "Detail: oom-kill, KILL" in receiver.calls[1].content["text"]


def test_command_failed_works_with_a_configuration_the_bot_refuses(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    configured(tmp_path, f'webhook_url = "{receiver.url}"')
    with (tmp_path / "shop.toml").open("a") as file:
        file.write('[replies]\nworkers = 0\n[typo]\n[database]\nurl = "env:NOT_THERE"\n')
    assert run(tmp_path, "--failed", "wabot.service", MONITOR_EXIT_STATUS="78").returncode == 0
    assert receiver.kinds() == ["alert process_failed"]


@pytest.mark.parametrize(
    "mistake",
    [
        '[account]\ntimezone = "Mexico/BajaNorte"\nlanguage = "es"\n',
        '[account]\nlanguage = "es"\nuser_id = "no good/"\n',
        '[paths]\nwrong = 1\n[account]\nlanguage = "es"\n',
        '[account]\nlanguage = "es"\n[replies]\nworkers = "two\n[typo\nx\n',
        '[account]\nlanguage = "es"\n[chats]\nname = "caf\xe9"\n[account]\n',
        'x = C:\\shop\n[account]\nlanguage = "es"\n[account.more]\na = [\n1\n',
    ],
)
def test_command_failed_tells_what_it_can_whatever_mistake_the_configuration_has(
    tmp_path: Path, receiver: WebhookReceiver, mistake: str
) -> None:
    written = f'{mistake}[alerts]\nwebhook_url = "{receiver.url}"\nto = "no list"\n'
    (tmp_path / "shop.toml").write_bytes(written.encode("latin-1"))
    ended = {"MONITOR_EXIT_STATUS": "78", "STATE_DIRECTORY": str(tmp_path / "state")}
    answer = run(tmp_path, "--failed", "wabot.service", **ended)
    assert (answer.returncode, receiver.kinds()) == (0, ["alert process_failed"])
    assert "el servicio wabot.service ha fallado" in receiver.calls[0].content["text"]
    assert f"wabot: {tmp_path}/shop.toml: " in answer.stderr
    assert run(tmp_path, "--test", **ended).returncode == 78


@pytest.mark.parametrize(
    "arguments", [(), ("--failed", ""), ("--failed", "a\nb"), ("--test", "--failed", "x")]
)
def test_command_used_wrongly(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    configured(tmp_path, "")
    assert run(tmp_path, *arguments).returncode == 64


def test_a_database_that_is_away_at_every_start_is_told_after_a_minute_and_once(
    tmp_path: Path, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configured(tmp_path, f'webhook_url = "{receiver.url}"')
    clock = [NOON]
    monkeypatch.setattr("wabot.clock.time.time", lambda: clock[0])
    for seconds in range(0, 200, 10):
        clock[0] = NOON + seconds
        report_database_away(settings, "connection refused", 5)
        assert len(receiver.calls) == (seconds >= 60)
    assert receiver.kinds() == ["alert database_away"]


def test_a_unit_that_fails_every_hour_is_told_once_a_day(
    tmp_path: Path, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = Dispatcher(configured(tmp_path, f'webhook_url = "{receiver.url}"'))
    clock = [NOON]
    monkeypatch.setattr("wabot.clock.time.time", lambda: clock[0])
    for hour in range(49):
        clock[0] = NOON + 3600 * hour
        dispatcher.tell_failure(Problem(Condition.PROCESS_FAILED, values=(("unit", "x"),), subject="x"))
        dispatcher.deliver()
    assert [call.content["at"][5:13] for call in receiver.calls] == ["11-22T12", "11-23T13"]
