"""What a model thought aloud is taken off."""

from __future__ import annotations

import pytest

from wabot.brain.output.thoughts import strip_thoughts

REASONING = {
    "<think>why?</think>Hola": "Hola",
    "<THINK>\nwhy?\n</THINK>\n\nHola": "\n\nHola",
    "Hola<think>and then": "Hola",
    "<think>a</think>Hola <thinking>b</thinking>mundo": "Hola mundo",
    "the prompt opened it</think>Hola": "Hola",
    "<think>a<think>b</think>c</think>Hola": "Hola",
    '<think type="deep">a</think>Hola': "Hola",
    "<|channel|>analysis<|message|>why<|end|><|channel|>final<|message|>Hola<|return|>": "Hola",
    "I think < you > think>": "I think < you > think>",
}


@pytest.mark.parametrize(("text", "answer"), REASONING.items())
def test_reasoning_is_stripped(text: str, answer: str) -> None:
    assert strip_thoughts(text) == answer
