"""The models that see pictures, and those that do not."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import requests

from wabot.trials.peers.model_behaviours import echo, say
from wabot.trials.peers.model_server import Behaviour, ModelServer
from wabot.trials.peers.picture_behaviours import REFUSALS, at_most, blind, looking, pictures_of

PICTURE = b"\xff\xd8\xff picture"
DATA_URL = f"data:image/jpeg;base64,{b64encode(PICTURE).decode()}"


def ask(model: Behaviour, *parts: dict[str, Any], text: str = "what is this?") -> tuple[int, Any]:
    content: object = [{"type": "text", "text": text}, *parts] if parts else text
    with ModelServer(model) as server:
        body = {"messages": [{"role": "system", "content": "you are"}, {"role": "user", "content": content}]}
        answer = requests.post(f"{server.base_url}/chat/completions", json=body, timeout=5)
    told = answer.json()
    return answer.status_code, told["choices"][0]["message"]["content"] if answer.ok else told


def picture(url: str = DATA_URL) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_a_model_that_sees_is_given_text_and_pictures() -> None:
    model = looking(lambda text, pictures: f"{text} {len(pictures)} {pictures[0][-7:]!r}")
    assert ask(model, picture(), picture()) == (200, "what is this? 2 b'picture'")
    status, told = ask(model, picture(b64encode(PICTURE).decode()))
    assert status == 400 and "no picture" in told["error"]["message"]


@pytest.mark.parametrize("whose", REFUSALS)
def test_a_blind_model_refuses_pictures_alone(whose: str) -> None:
    status, refusal = REFUSALS[whose]
    model = blind(echo(), status, refusal)
    assert ask(model, picture()) == (status, refusal)
    assert ask(model) == (200, "echo: what is this?")


def test_a_picture_may_be_too_large() -> None:
    model = at_most(say("a pot"), len(PICTURE))
    assert ask(model, picture()) == (200, "a pot")
    assert ask(model, picture(), picture())[0] == 413


def test_pictures_are_read_with_their_type() -> None:
    assert pictures_of({"messages": [{"content": [picture()]}]}) == [("image/jpeg", PICTURE)]
    assert pictures_of({"messages": [{"content": None}, {"content": "text"}]}) == []
