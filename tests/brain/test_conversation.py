"""What of a chat is kept for an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from wabot.brain.conversation import Conversation, Turn, estimate_tokens

NOW = datetime(2026, 11, 22, 12, 0)
DAY = timedelta(days=1)


def user(text: str, minutes_ago: float | None = 1) -> Turn:
    return Turn("user", text, None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago))


def shop(text: str, minutes_ago: float | None = 1) -> Turn:
    return Turn("assistant", text, None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago))


def bound(*turns: Turn, messages: int = 20, tokens: int = 3000, age: timedelta = DAY) -> list[str]:
    conversation = Conversation(turns).bounded(max_messages=messages, max_tokens=tokens, max_age=age, now=NOW)
    return [turn.text for turn in conversation.turns]


def test_the_unanswered_are_the_users_turns_after_the_last_answer_each_its_own() -> None:
    turns = (user("a"), shop("b"), user("c"), user("d"))
    assert [turn.text for turn in Conversation(turns).unanswered] == ["c", "d"]
    assert Conversation((user("a"), shop("b"))).unanswered == ()
    assert Conversation(()).unanswered == ()


def test_the_newest_messages_are_kept() -> None:
    assert bound(*(shop(str(number)) for number in range(9)), user("q"), messages=4) == ["6", "7", "8", "q"]


def test_history_older_than_the_age_is_dropped_also_when_the_clock_has_a_zone() -> None:
    aware = Turn("user", "aware", NOW.replace(tzinfo=timezone(timedelta(hours=5))))
    turns = (user("old", 2000), shop("newer", 1000), user("q"))
    assert bound(*turns) == ["newer", "q"]
    assert bound(aware, shop("a", 1), user("q"), age=timedelta(hours=5, minutes=1)) == ["aware", "a", "q"]
    assert bound(aware, shop("a", 1), user("q"), age=timedelta(hours=4)) == ["a", "q"]
    conversation = Conversation(turns).bounded(
        max_messages=9, max_tokens=999, max_age=DAY, now=NOW.replace(tzinfo=UTC)
    )
    assert len(conversation.turns) == 2


def test_a_turn_without_a_time_is_not_too_old() -> None:
    assert bound(shop("when?", None), user("q")) == ["when?", "q"]


def test_no_message_that_waits_is_dropped_for_number_or_age() -> None:
    waiting = [user(str(number), 5000 - number) for number in range(30)]
    assert bound(shop("before"), *waiting, messages=5) == [str(number) for number in range(30)]


def test_the_token_bound_holds_for_waiting_messages_too_and_the_newest_stays() -> None:
    assert bound(user("a" * 3500), user("b" * 350), tokens=200) == ["b" * 350]
    (only,) = bound(user("a" * 100_000), tokens=100)
    assert estimate_tokens(only) <= 100


def test_history_fills_what_the_tokens_leave() -> None:
    assert bound(shop("a" * 3500), shop("b" * 35), user("q"), tokens=100) == ["b" * 35, "q"]


def test_blank_turns_are_dropped() -> None:
    assert bound(shop("  "), user("q"), user("\n")) == ["q"]


def test_texts_and_names_are_in_no_repr() -> None:
    assert "secreto" not in repr(Conversation((user("secreto"),), "es", "secreto"))


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=300)), max_size=30),
    st.integers(1, 20),
    st.integers(10, 300),
)
def test_the_bounds_hold_for_any_chat(said: list[tuple[str, str]], messages: int, tokens: int) -> None:
    turns = tuple(Turn(role, text, NOW) for role, text in said)  # type: ignore[arg-type]
    before = Conversation(turns)
    after = before.bounded(max_messages=messages, max_tokens=tokens, max_age=DAY, now=NOW)
    waiting = [turn for turn in turns if turn.text.strip()]
    assert sum(estimate_tokens(turn.text) for turn in after.turns) <= tokens
    assert len(after.turns) <= max(messages, len(after.unanswered))
    if waiting and waiting[-1].role == "user":
        newest = after.turns[-1]
        assert waiting[-1].text.startswith(newest.text)
