"""Each trouble the owner is told of: brought about, told once by mail and by webhook, and its end once."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.alert_receivers import MailServer, WebhookReceiver, wait_until
from wabot.alerts.checks import LinkView
from wabot.alerts.dispatcher import Dispatcher
from wabot.alerts.notice import Condition
from wabot.alerts.texts import PROBLEMS
from wabot.alerts.watcher import Watcher
from wabot.answers.budget import DailyBudget
from wabot.brain.output.completion import Usage
from wabot.brain.providers.budget import BudgetSpent
from wabot.brain.providers.counts import CallCounts
from wabot.brain.settings import ProviderSettings
from wabot.cli.parser import main
from wabot.clock import process_clock, utc_now
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.models import Chat, ModelUsage, Outbound
from wabot.link.states import State

SECRET = "s3cret"


class Stage:
    """A bot's alerts with both channels, and what can go wrong around them."""

    def __init__(
        self, settings: Settings, database: Any, monkeypatch: pytest.MonkeyPatch, config: Path
    ) -> None:
        self.settings = settings
        self.database = database
        self.monkeypatch = monkeypatch
        self.config = config
        self.clock = [time.time()]
        self.counts = CallCounts(["gpt"], lambda: self.clock[0])
        self.transcriptions = CallCounts(clock=lambda: self.clock[0])
        self.alerts = Watcher(settings, self.counts, transcriptions=self.transcriptions)
        self.alerts.start()

    # The link.

    def link(self, state: State, reason: str = "why", age_seconds: float = 0) -> None:
        now = time.time()
        self.alerts.link_changed(LinkView(state, reason, now - age_seconds, now + 600))

    def well(self) -> None:
        self.link(State.CONNECTED, "", 10_000)

    # The database, and what is in it.

    def hide_outbox(self) -> None:
        self.well()
        self.database.execute_sql("ALTER TABLE wabot_outbox RENAME TO wabot_hidden")

    def show_outbox(self) -> None:
        self.database.execute_sql("ALTER TABLE wabot_hidden RENAME TO wabot_outbox")

    def stick(self, state: str = "pending") -> None:
        self.well()
        now = utc_now()
        chat = Chat.create(user_id="shop", contact="1", jid="1@lid", created_at=now)
        long_ago = now - timedelta(hours=1)
        Outbound.create(
            user_id="shop",
            chat=chat,
            text="hola",
            state=state,
            secret=b"",
            created_at=now,
            not_before=long_ago,
        )

    def unstick(self) -> None:
        Outbound.update(state="sent", sent_at=utc_now()).execute()

    def be_late(self) -> None:
        """Replies leave, and this one has not had its turn for long."""
        now = utc_now()
        with self.database.atomic():
            self.stick()
            Outbound.update(created_at=now - timedelta(minutes=20), not_before=now).execute()

    def lose(self) -> None:
        time.sleep(0.3)
        self.stick("dead")

    # The models.

    def ask_in_vain(self) -> None:
        for seconds in (0, 200, 200):
            self.clock[0] += seconds
            self.counts.nobody_answered("provider gpt: it answered 500")

    def answer(self) -> None:
        self.counts.answered("gpt", Usage(1, 1))

    def speak_in_vain(self) -> None:
        for seconds in (0, 200, 200):
            self.clock[0] += seconds
            self.transcriptions.nobody_answered("transcriber ears: it answered 500")

    def be_heard(self) -> None:
        self.transcriptions.answered("ears", Usage(0, 0), 7)

    def spend(self) -> None:
        (gpt,) = self.settings.ai.providers
        DailyBudget(self.settings.account, self.settings.ai).reserve(gpt, 10)
        for _ in range(3):
            with pytest.raises(BudgetSpent):
                DailyBudget(self.settings.account, self.settings.ai).reserve(gpt, 10)

    def next_day(self) -> None:
        ModelUsage.update(day="2026-01-01").execute()

    # The machine.

    def fill_disk(self) -> None:
        self.monkeypatch.setattr("wabot.alerts.checks._LOW_BYTES", 1 << 62)

    def empty_disk(self) -> None:
        self.monkeypatch.undo()

    def set_clock(self) -> None:
        self.monkeypatch.setattr(process_clock, "error_seconds", lambda: 7200.0)

    def set_clock_right(self) -> None:
        self.monkeypatch.undo()
        process_clock.hear(time.time(), is_live=True)

    # Other processes.

    def janitor(self, code: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wabot.alerts.units.own_unit", lambda: "wabot-janitor.service")
            assert main(["janitor", "--apply", "--config", str(self.config)]) == code

    def janitor_refuses(self) -> None:
        self.database.execute_sql("CREATE TABLE users (id text PRIMARY KEY)")
        for _ in range(2):
            self.janitor(78)
            # What OnFailure= does.
            self.fails("wabot-janitor.service", "78")

    def janitor_cleans(self) -> None:
        self.database.execute_sql("INSERT INTO users VALUES ('shop')")
        self.janitor(0)

    def fails(self, unit: str = "wabot.service", status: str = "SEGV") -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MONITOR_EXIT_STATUS", status)
            assert main(["alert", "--failed", unit, "--config", str(self.config)]) == 0

    def fails_twice(self) -> None:
        self.fails()
        self.fails()


def link_in(state: State) -> Callable[[Stage], None]:
    return lambda stage: stage.link(state, age_seconds=700)


Act = Callable[[Stage], None]
TROUBLES: dict[Condition, tuple[Act, Act | None]] = {
    Condition.LOGGED_OUT: (link_in(State.LOGGED_OUT), Stage.well),
    Condition.REPLACED: (link_in(State.REPLACED), Stage.well),
    Condition.OUTDATED: (link_in(State.OUTDATED), Stage.well),
    Condition.PAIRING_EXPIRED: (link_in(State.PAIRING_EXPIRED), Stage.well),
    Condition.FAILED: (link_in(State.FAILED), Stage.well),
    Condition.BANNED: (link_in(State.BANNED), Stage.well),
    Condition.UNSTABLE: (link_in(State.COOLDOWN), Stage.well),
    Condition.OFFLINE: (link_in(State.BACKOFF), Stage.well),
    Condition.DATABASE_AWAY: (Stage.hide_outbox, Stage.show_outbox),
    Condition.REPLIES_STUCK: (Stage.stick, Stage.unstick),
    Condition.REPLIES_LOST: (Stage.lose, None),
    Condition.REPLIES_LATE: (Stage.be_late, Stage.unstick),
    Condition.MODEL_DOWN: (Stage.ask_in_vain, Stage.answer),
    Condition.TRANSCRIBER_DOWN: (Stage.speak_in_vain, Stage.be_heard),
    Condition.BUDGET_SPENT: (Stage.spend, Stage.next_day),
    Condition.NO_ROOM: (link_in(State.NO_ROOM), Stage.well),
    Condition.DISK_LOW: (Stage.fill_disk, Stage.empty_disk),
    Condition.CLOCK_WRONG: (Stage.set_clock, Stage.set_clock_right),
    Condition.JANITOR_REFUSED: (Stage.janitor_refuses, Stage.janitor_cleans),
    Condition.PROCESS_FAILED: (Stage.fails_twice, Stage.well),
}
LANGUAGES = ("es", "en", "pt")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and has no patience."""
    for name, value in (
        ("alerts.watcher._LOOK_SECONDS", 0.05),
        ("alerts.watcher.PAUSE_SECONDS", 0.05),
        ("alerts.checks._DATABASE_SECONDS", 0.0),
        # Of a process that runs in the unit wabot.service.
        ("alerts.watcher.own_unit", lambda: "wabot.service"),
    ):
        monkeypatch.setattr(f"wabot.{name}", value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def config(
    tmp_path: Path,
    sqlite_url: str,
    receiver: WebhookReceiver,
    mail: MailServer,
    request: pytest.FixtureRequest,
) -> Path:
    file = tmp_path / "shop.toml"
    file.write_text(
        f'[account]\nuser_id = "shop"\nlanguage = "{request.param}"\n[paths]\nstate = "{tmp_path}"\n'
        f'[database]\nurl = "{sqlite_url}"\n'
        '[[ai.providers]]\nname = "gpt"\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"\ncalls_per_day = 1\n'
        f'[alerts]\nwebhook_url = "{receiver.url}"\nwebhook_secret = "env:SIGN"\n'
        f'smtp_url = "smtp://localhost:{mail.port}"\nto = ["owner@example.com"]\n'
    )
    return file


def test_each_condition_is_brought_about_here() -> None:
    assert set(TROUBLES) == set(Condition)
    assert set(PROBLEMS) == {condition.value for condition in Condition}
    assert all(set(texts) == set(LANGUAGES) for texts in PROBLEMS.values())


@pytest.mark.parametrize(
    ("condition", "config"),
    [
        pytest.param(condition, LANGUAGES[number % 3], id=f"{condition}-{LANGUAGES[number % 3]}")
        for number, condition in enumerate(TROUBLES)
    ],
    indirect=["config"],
)
def test_told_once_by_each_way_and_its_end_once(
    condition: Condition,
    config: Path,
    quick: None,
    sqlite_database: Any,
    receiver: WebhookReceiver,
    mail: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGN", SECRET)
    settings = load_settings(config, {"SIGN": SECRET})
    impatient = dataclasses.replace(settings.alerts, offline_after_seconds=0.2)
    settings = dataclasses.replace(settings, alerts=impatient)
    begin, end = TROUBLES[condition]
    with pytest.MonkeyPatch.context() as own:
        stage = Stage(settings, sqlite_database, own, config)
        try:
            begin(stage)
            receiver.wait_for(1)
            wait_until(lambda: len(mail.messages) == 1, 20, lambda: mail.messages)
            # Several looks later it is still no news.
            time.sleep(0.4)
            assert receiver.kinds() == [f"alert {condition}"]
            if end is not None:
                end(stage)
                receiver.wait_for(2)
                wait_until(lambda: len(mail.messages) == 2, 20, lambda: mail.messages)
                time.sleep(0.3)
        finally:
            stage.alerts.stop(10)
    language = settings.account.language
    title, _, step = PROBLEMS[condition.value][language]
    over = [f"recovery {condition}"] if end is not None else []
    assert receiver.kinds() == [f"alert {condition}", *over]
    assert all(call.is_signed_with(SECRET.encode()) for call in receiver.calls)
    assert len(mail.messages) == 1 + len(over)
    text = receiver.calls[0].content["text"]
    assert title.partition("{")[0] in text
    assert step.partition("{")[0] in text
    assert "{" not in "".join(call.content["text"] for call in receiver.calls)
    assert title.partition("{")[0] in str(mail.messages[0]["Subject"])
    assert step.partition("{")[0].split()[-1] in mail.messages[0].get_content()


@pytest.mark.parametrize("config", ["en"], indirect=True)
def test_while_nobody_asks_the_models_nothing_is_known(
    config: Path, quick: None, sqlite_database: Any, receiver: WebhookReceiver
) -> None:
    settings = load_settings(config, {"SIGN": SECRET})
    clock = [1000.0]
    counts = CallCounts(["gpt"], lambda: clock[0])
    alerts = Watcher(settings, counts)
    alerts.start()
    counts.nobody_answered("provider gpt: it answered 500")
    # One question in vain, then a quiet night: no news.
    clock[0] += 30_000
    time.sleep(0.4)
    assert receiver.kinds() == []
    counts.nobody_answered("provider gpt: it answered 500")
    receiver.wait_for(1)
    alerts.stop(10)
    assert receiver.kinds() == ["alert model_down"]
    assert "it answered 500" in receiver.calls[0].content["text"]
    assert "No model has answered for 5 min" in receiver.calls[0].content["text"]


@pytest.mark.parametrize("config", ["en"], indirect=True)
def test_whoever_types_the_janitor_is_told_on_the_terminal_only(
    config: Path, sqlite_database: Any, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGN", SECRET)
    sqlite_database.execute_sql("CREATE TABLE users (id text PRIMARY KEY)")
    assert main(["janitor", "--apply", "--config", str(config)]) == 78
    settings = load_settings(config, {"SIGN": SECRET})
    Dispatcher(settings).deliver()
    assert receiver.calls == []
    assert not (settings.paths.state / "alerts").exists() or not Dispatcher(settings).log_file.read().told


@pytest.mark.parametrize("config", ["en"], indirect=True)
def test_the_reason_of_a_refusal_is_told(
    config: Path, sqlite_database: Any, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGN", SECRET)
    monkeypatch.setattr("wabot.alerts.units.own_unit", lambda: "wabot-janitor@shop.service")
    sqlite_database.execute_sql("CREATE TABLE users (id text PRIMARY KEY)")
    assert main(["janitor", "--apply", "--config", str(config)]) == 78
    assert "the table users is empty" in receiver.calls[0].content["text"]


def test_two_budgets_are_two_pieces_of_news(sqlite_database: Any) -> None:
    from datetime import date

    from wabot.alerts.checks import look_at_budget
    from wabot.config.settings import AccountSettings, AiSettings

    day = date(2026, 11, 25)
    providers = tuple(
        ProviderSettings(name, "http://x", "m", calls_per_day=1, tokens_per_day=tokens)
        for name, tokens in (("a", 0), ("b", 9))
    )
    settings = Settings(account=AccountSettings(user_id="shop"), ai=AiSettings(providers=providers))
    assert look_at_budget(settings, day).cleared == ["budget_spent:a", "budget_spent:b"]
    for provider in providers:
        grants = DailyBudget(settings.account, settings.ai, lambda: day)
        grants.reserve(provider, 1)
        with pytest.raises(BudgetSpent):
            grants.reserve(provider, 1)
    found = look_at_budget(settings, day)
    assert [problem.key for problem in found.problems] == ["budget_spent:a", "budget_spent:b"]
    assert dict(found.problems[0].values) == {"limit": "[[ai.providers]] a", "spent": "calls_per_day 1/1"}
    assert dict(found.problems[1].values)["spent"] == "calls_per_day 1/1, tokens_per_day 1/9"
    assert not look_at_budget(dataclasses.replace(settings, ai=AiSettings()), day).cleared
