"""What every model is told, whatever its persona says."""

from __future__ import annotations

from wabot.brain.conversation import Conversation, Turn
from wabot.brain.prompt import compose_messages
from wabot.escalation import take_calls
from wabot.models import utc_now


def test_a_model_is_told_how_to_call_a_person() -> None:
    conversation = Conversation((Turn("user", "quiero hablar con una persona", utc_now()),), "es", "")
    system = compose_messages("You are a shop.", conversation, (), "es", utc_now())[0]["content"]
    (rule,) = [line for line in system.splitlines() if "asks to speak with a person" in line]
    word = rule.partition("the word ")[2].partition(",")[0]
    assert take_calls([f"Le escribirá una persona. {word}"]) == (
        ("Le escribirá una persona.",),
        {"HAND_OVER"},
    )
    (rule,) = [line for line in system.splitlines() if "do not hold the answer" in line]
    word = rule.partition("the word ")[2].partition(",")[0]
    assert take_calls([f"No lo sé. {word}."]) == (("No lo sé.",), {"TELL_TEAM"})
