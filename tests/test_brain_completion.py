"""What a model's server answers is believed in nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.brain.completion import Completion, UnusableCompletion, parse_completion

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(
    ["choices", "message", "content", "usage", "text", "type", "prompt_tokens", "completion_tokens", "error"]
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5)
        | st.builds(lambda value: {"choices": [{"message": value}]}, inner)
    ),
    max_leaves=12,
)


def read(body: bytes) -> Completion | None:
    """An answer that can be used, or None: nothing else may come of it."""
    try:
        completion = parse_completion(body, "test", 10)
    except UnusableCompletion as error:
        assert str(error) and "\n" not in str(error)
        return None
    assert completion.text.strip()
    for count in (completion.usage.prompt_tokens, completion.usage.completion_tokens):
        assert isinstance(count, int) and 0 <= count < 2**31
    return completion


@given(anything)
def test_any_json_is_an_answer_or_of_no_use(value: Any) -> None:
    read(json.dumps(value).encode())


@given(anything, anything)
def test_any_message_and_any_usage(message: Any, usage: Any) -> None:
    read(json.dumps({"choices": [{"message": message}], "usage": usage}).encode())


@given(st.text().filter(lambda text: "<" not in text), anything)
def test_a_text_is_taken_whatever_stands_around_it(text: str, rest: Any) -> None:
    body = {"choices": [{"message": {"content": text, "refusal": rest}}, rest], "usage": rest, "id": rest}
    completion = read(json.dumps(body).encode())
    assert (completion.text if completion else "") == text.strip()


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    read(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"choices":' * 50_000, b"9" * 10_000, b'"\\ud800"'])
def test_what_is_made_to_exhaust(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("Abrimos a las 10. Y luego cerra", "Abrimos a las 10. Y luego cerra…"),
        ("Abrimos de lunes a viernes. Y luego cer", "Abrimos de lunes a viernes."),
        ("¿Le sirve? Cuesta 4.90 y tar", "¿Le sirve? Cuesta 4.90 y tar…"),
        ("Sin ningún final", "Sin ningún final…"),
        ("Todo dicho. ¡Gracias!", "Todo dicho. ¡Gracias!"),
    ],
)
def test_an_answer_that_was_cut_off_ends_with_a_sentence(written: str, taken: str) -> None:
    choice = {"message": {"content": written}, "finish_reason": "length"}
    completion = read(json.dumps({"choices": [choice]}).encode())
    assert completion is not None
    assert completion.text == taken
    choice["finish_reason"] = "stop"
    whole = read(json.dumps({"choices": [choice]}).encode())
    assert whole is not None
    assert whole.text == written
