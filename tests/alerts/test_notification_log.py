from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.alerts.notice import Condition, NotDelivered, NoticeWriter, Problem
from wabot.alerts.notification_log import NotificationFile, NotificationLog
from wabot.alerts.texts import DETAIL, NEXT_STEP, OVER, PROBLEMS, TEST

BANNED = Problem(Condition.BANNED, values=(("until", "noon"),))
OFFLINE = Problem(Condition.OFFLINE, values=(("span", "10 min"),), patience_seconds=600)
LOGGED_OUT = Problem(Condition.LOGGED_OUT)
NOON = 1_800_000_000.0
HOUR = 3600.0
AUTHOR = NoticeWriter("shop", "vps-1", "en")


def notice() -> Any:
    return AUTHOR.test("2026-11-22T10:00:00Z")


def test_a_problem_is_told_once_and_its_end_once() -> None:
    notifications = NotificationLog()
    assert notifications.observe([BANNED], (), NOON) == ([BANNED], [])
    for later in range(10, 7200, 10):
        assert notifications.observe([BANNED], (), NOON + later) == ([], [])
    assert notifications.observe([], ["banned", "offline"], NOON + 7300) == ([], ["banned"])
    assert notifications.observe([], ["banned", "offline"], NOON + 7310) == ([], [])


def test_what_is_neither_wrong_nor_cleared_is_not_over() -> None:
    notifications = NotificationLog()
    notifications.observe([BANNED], (), NOON)
    assert notifications.observe([], (), NOON + 10) == ([], [])
    assert notifications.observe([], ["banned"], NOON + 20) == ([], ["banned"])


def test_patience_is_counted_through_restarts_but_not_through_pauses() -> None:
    notifications = NotificationLog()
    for seconds in range(0, 600, 10):
        assert notifications.observe([OFFLINE], (), NOON + seconds) == ([], [])
        notifications = NotificationLog.from_json(json.loads(json.dumps(notifications.as_json())))
    assert notifications.observe([OFFLINE], (), NOON + 600) == ([OFFLINE], [])
    again = NotificationLog()
    again.observe([OFFLINE], (), NOON)
    # The bot was switched off over the weekend.
    assert again.observe([OFFLINE], (), NOON + 200_000) == ([], [])


def test_patience_may_be_longer_than_a_pause_and_outlasts_a_clock_that_is_set_back() -> None:
    patient = Problem(Condition.OFFLINE, "", (), 2 * HOUR)
    notifications = NotificationLog()
    for seconds in range(0, 7200, 10):
        assert notifications.observe([patient], (), NOON + seconds) == ([], [])
    assert notifications.observe([patient], (), NOON + 7200) == ([patient], [])

    notifications = NotificationLog()
    notifications.observe([OFFLINE], (), NOON)
    for seconds in range(0, 600, 10):
        assert notifications.observe([OFFLINE], (), NOON - 5000 + seconds) == ([], [])
    assert notifications.observe([OFFLINE], (), NOON - 5000 + 600) == ([OFFLINE], [])


def test_the_next_delivery_of_a_channel_is_its_oldest() -> None:
    notifications = NotificationLog()
    notifications.queue(notice(), ["mail"], NOON)
    first = notifications.claim(["mail"], NOON)
    assert first is not None
    notifications.not_delivered(first, NotDelivered("away"), NOON)
    notifications.queue(notice(), ["mail"], NOON + 1)
    assert notifications.claim(["mail"], NOON + 1) is None
    next_at = notifications.next_at()
    assert next_at is not None
    assert next_at > NOON + 1, "else it would be looked for again and again"


def test_a_network_that_comes_back_in_time_is_no_news() -> None:
    notifications = NotificationLog()
    notifications.observe([OFFLINE], (), NOON)
    assert notifications.observe([], ["offline"], NOON + 500) == ([], [])
    assert notifications.observe([OFFLINE], (), NOON + 599) == ([], [])
    assert notifications.observe([OFFLINE], (), NOON + 601) == ([], [])


def test_a_problem_that_comes_and_goes_is_told_once_an_hour() -> None:
    notifications = NotificationLog()
    told = []
    for minute in range(180):
        now = NOON + 60 * minute
        is_banned = minute % 10 < 5
        fresh, over = notifications.observe(
            [BANNED] if is_banned else [], () if is_banned else ["banned"], now
        )
        told += [minute] * bool(fresh) + [-minute] * bool(over)
    assert told == [0, -5, 60, -65, 120, -125]


def test_each_end_of_the_process_is_news() -> None:
    notifications = NotificationLog()
    assert notifications.observe([LOGGED_OUT], (), NOON)[0] == [LOGGED_OUT]
    assert notifications.observe([], ["logged_out"], NOON + 100) == ([], ["logged_out"])
    assert notifications.observe([LOGGED_OUT], (), NOON + 200)[0] == [LOGGED_OUT]


def test_the_alert_unit_is_silent_where_the_reason_was_told() -> None:
    notifications = NotificationLog()
    assert not notifications.ended_for_a_reason(NOON)
    notifications.observe([BANNED], (), NOON)
    assert not notifications.ended_for_a_reason(NOON)
    notifications.observe([LOGGED_OUT], (), NOON)
    assert notifications.ended_for_a_reason(NOON + 5)
    assert not notifications.ended_for_a_reason(NOON + HOUR)
    # Started again, and logged out again.
    notifications.observe([LOGGED_OUT], (), NOON + HOUR)
    assert notifications.ended_for_a_reason(NOON + HOUR + 5)
    # When it was seen is forgotten in time; that it was told is not.
    notifications.observe([BANNED], (), NOON + 1000 * HOUR)
    assert not notifications.ended_for_a_reason(NOON + 1000 * HOUR)
    assert notifications.told.keys() >= {LOGGED_OUT.key}


def test_two_units_that_fail_are_two_problems() -> None:
    notifications = NotificationLog()
    first, second = (Problem(Condition.PROCESS_FAILED, subject=name) for name in ("a.service", "b.service"))
    assert notifications.observe([first], (), NOON)[0] == [first]
    assert notifications.observe([second], (), NOON + 1)[0] == [second]
    assert notifications.observe([], ["process_failed:a.service"], NOON + 2)[1] == [
        "process_failed:a.service"
    ]


def test_lost_replies_are_counted_from_the_first_look_and_told_once_an_hour() -> None:
    notifications = NotificationLog()
    assert notifications.count_lost(7, NOON) == 0
    assert notifications.count_lost(9, NOON + 10) == 2
    assert notifications.count_lost(10, NOON + 20) == 0
    assert notifications.count_lost(12, NOON + 10 + HOUR) == 3
    # The janitor removed the old ones.
    assert notifications.count_lost(2, NOON + 3 * HOUR) == 0
    assert notifications.count_lost(3, NOON + 3 * HOUR) == 1


def test_a_delivery_is_tried_again_later_and_later() -> None:
    notifications = NotificationLog()
    notifications.queue(notice(), ["webhook"], NOON)
    now, pauses = NOON, []
    for _ in range(8):
        delivery = notifications.claim(["webhook"], now)
        assert delivery is not None
        assert notifications.claim(["webhook"], now) is None, "nobody else delivers the same at the same time"
        notifications.not_delivered(delivery, NotDelivered("away"), now)
        next_at = notifications.next_at()
        assert next_at is not None
        pauses.append(next_at - now)
        now = next_at
    assert pauses == [5, 15, 45, 135, 405, 600, 600, 600]
    delivery = notifications.claim(["webhook"], now)
    assert delivery is not None
    notifications.delivered(delivery, now)
    assert notifications.deliveries == []
    assert notifications.next_at() is None


def test_what_is_refused_for_good_waits_until_something_changes() -> None:
    notifications = NotificationLog()
    first, second, third = notice(), notice(), notice()

    def tried(now: float) -> Any:
        delivery = notifications.claim(["mail"], now)
        return delivery and delivery.notice

    def refuse(at: float, why: str = "wrong password (535)") -> bool:
        delivery = notifications.claim(["mail"], at)
        assert delivery is not None
        return notifications.not_delivered(delivery, NotDelivered(why or "away", permanent=bool(why)), at)

    notifications.queue(first, ["mail"], NOON)
    assert refuse(NOON), "that is news"
    assert notifications.refused == {"mail": (NOON, "wrong password (535)")}
    assert (notifications.next_at(), tried(NOON + 3600)) == (None, None)
    # What comes later is tried once, because it may be mended.
    notifications.queue(second, ["mail"], NOON + 10)
    assert not refuse(NOON + 10), "that is known"
    assert (notifications.next_at(), tried(NOON + 3600)) == (None, None)
    notifications = NotificationLog.from_json(json.loads(json.dumps(notifications.as_json())))
    notifications.queue(third, ["mail"], NOON + 20)
    delivery = notifications.claim(["mail"], NOON + 20)
    assert delivery is not None and delivery.notice == third
    notifications.delivered(delivery, NOON + 20)
    assert notifications.refused == {}
    assert [tried(NOON + 20 + wait) for wait in (0, 1)] == [first, None]


def test_what_was_refused_is_tried_once_more_after_a_start() -> None:
    notifications = NotificationLog()
    notifications.queue(notice(), ["mail"], NOON)
    delivery = notifications.claim(["mail"], NOON)
    assert delivery is not None
    notifications.not_delivered(delivery, NotDelivered("404", permanent=True), NOON)
    notifications.try_refused_again(NOON + 60)
    assert notifications.next_at() == NOON + 60
    assert notifications.claim(["mail"], NOON + 60)
    assert notifications.claim(["mail"], NOON + 4000) is None
    assert notifications.refused


def test_channels_do_not_wait_for_each_other_but_each_keeps_its_order() -> None:
    notifications = NotificationLog()
    first, second = notice(), notice()
    notifications.queue(first, ["webhook", "mail"], NOON)
    notifications.queue(second, ["webhook", "mail"], NOON)
    webhook = notifications.claim(["webhook", "mail"], NOON)
    mail = notifications.claim(["webhook", "mail"], NOON)
    assert webhook is not None and mail is not None
    assert (webhook.channel, webhook.notice) == ("webhook", first)
    assert (mail.channel, mail.notice) == ("mail", first)
    notifications.not_delivered(webhook, NotDelivered("away"), NOON)
    notifications.delivered(mail, NOON)
    following = notifications.claim(["webhook", "mail"], NOON)
    assert following is not None
    assert (following.channel, following.notice) == ("mail", second)


def test_a_claim_that_was_never_settled_is_free_again_after_a_minute() -> None:
    notifications = NotificationLog()
    notifications.queue(notice(), ["mail"], NOON)
    assert notifications.claim(["mail"], NOON)
    assert notifications.claim(["mail"], NOON + 59) is None
    assert notifications.claim(["mail"], NOON + 61)


def test_nothing_grows_without_limit() -> None:
    notifications = NotificationLog()
    for number in range(500):
        notifications.queue(notice(), ["webhook", "mail"], NOON)
        notifications.observe([Problem(Condition.PROCESS_FAILED, subject=f"{number}.service")], (), NOON)
    assert len(notifications.deliveries) == 50
    assert len(notifications.seen) == len(notifications.told) == 100
    assert notifications.claim(["webhook", "mail"], NOON + 100_000) is None
    assert notifications.deliveries == []


conditions = st.sampled_from([Condition.BANNED, Condition.OFFLINE, Condition.LOGGED_OUT])


@given(st.lists(st.tuples(st.floats(0, 4000), st.sets(conditions), st.sets(conditions)), max_size=40))
def test_alert_and_recovery_take_turns(steps: list[tuple[float, set[Condition], set[Condition]]]) -> None:
    notifications, now = NotificationLog(), NOON
    open_: set[str] = set()
    for pause, wrong, well in steps:
        now += pause
        fresh, over = notifications.observe([Problem(each) for each in wrong], well - wrong, now)
        notifications = NotificationLog.from_json(json.loads(json.dumps(notifications.as_json())))
        assert not open_ & {problem.key for problem in fresh}
        open_ |= {problem.key for problem in fresh}
        assert set(over) <= open_
        open_ -= set(over)


# The file.


def test_the_file_is_private_and_is_written_only_for_a_change(tmp_path: Path) -> None:
    log_file = NotificationFile(tmp_path / "alerts" / "shop.json")
    with log_file.changing() as notifications:
        notifications.observe([LOGGED_OUT], (), NOON)
        notifications.queue(notice(), ["mail"], NOON)
    file = tmp_path / "alerts" / "shop.json"
    written = file.stat()
    assert stat.S_IMODE(written.st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "alerts").stat().st_mode) == 0o700
    with NotificationFile(file).changing() as again:
        assert again == notifications
    assert file.stat().st_ino == written.st_ino


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"{}", b"[" * 100_000, b'{"seen": 1, "told": {}, "past": {}, "deliveries": []}'],
)
def test_a_damaged_file_is_begun_anew(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "shop.json"
    file.write_bytes(content)
    with NotificationFile(file).changing() as notifications:
        assert notifications == NotificationLog()
        notifications.observe([LOGGED_OUT], (), NOON)
    assert "begun anew" in caplog.text
    with NotificationFile(file).changing() as notifications:
        assert notifications.told == {"logged_out": NOON}


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)))
def test_nothing_in_the_file_crashes_it(value: Any) -> None:
    stored = {**NotificationLog().as_json(), "told": value, "deliveries": value}
    try:
        NotificationLog.from_json(stored)
    except (KeyError, TypeError, ValueError, AttributeError):
        return
    assert value in ([], None) or value == {}


def test_where_nothing_can_be_written_it_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "alerts").write_text("in the way")
    log_file = NotificationFile(tmp_path / "alerts" / "shop.json")
    with log_file.changing() as notifications:
        notifications.observe([LOGGED_OUT], (), NOON)
    with log_file.changing() as notifications:
        assert notifications.observe([LOGGED_OUT], (), NOON + 1) == ([], [])
    (tmp_path / "alerts").unlink()
    with log_file.changing():
        pass
    with NotificationFile(tmp_path / "alerts" / "shop.json").changing() as notifications:
        assert notifications.told == {"logged_out": NOON}


def _add(path: Path, name: str) -> None:
    for number in range(20):
        with NotificationFile(path).changing() as notifications:
            notifications.observe([Problem(Condition.PROCESS_FAILED, subject=f"{name}{number}")], (), NOON)


def test_two_processes_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_add, args=(path, name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    with NotificationFile(path).changing() as notifications:
        assert len(notifications.told) == 40


# The sentences.


def test_every_problem_can_be_told_in_every_language() -> None:
    assert set(PROBLEMS) == {condition.value for condition in Condition}
    names = ("until", "span", "minutes", "per_minute", "count", "megabytes", "unit", "limit", "spent")
    values = [(name, "7") for name in names]
    for language in ("es", "en", "pt"):
        author = NoticeWriter("shop", "vps-1", language)
        for condition in Condition:
            told = author.alert(Problem(condition, "why", tuple(values)), "now")
            assert "{" not in told.title + told.body
            assert f"\n{NEXT_STEP[language]}: " in told.body
            assert f"\n{DETAIL[language]}: why\n" in told.body
        recovery = author.recovery(["banned", "process_failed:wabot.service"], "now")
        assert OVER[language][0] in recovery.title
        assert recovery.conditions == "banned process_failed"
        assert recovery.body.count("\n- ") == 2
        assert " wabot.service " in recovery.body
        assert TEST[language][0] in author.test("now").title


def test_the_next_step_is_about_the_number_that_has_the_problem() -> None:
    author = NoticeWriter("north", "vps-1", "en", Path("/etc/wabot/north.toml"))
    told = author.alert(Problem(Condition.LOGGED_OUT), "now").body
    assert told.endswith("link it again: sudo wabot pair --config /etc/wabot/north.toml")
    stuck = author.alert(Problem(Condition.REPLIES_STUCK, values=(("count", "2"), ("minutes", "9"))), "now")
    assert stuck.body.endswith("sudo journalctl -u wabot@north.service")


def test_a_clock_that_was_set_back_holds_no_notice_back() -> None:
    notifications = NotificationLog()
    notifications.queue(notice(), ["webhook"], NOON)
    first = notifications.claim(["webhook"], NOON)
    assert first is not None
    notifications.not_delivered(first, NotDelivered("away"), NOON)
    assert notifications.claim(["webhook"], NOON - HOUR) is not None
