"""Models are shown pictures; one that does not see is found out, and answers all the same."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider_server import KEY, ProviderServer
from wabot.brain.output.completion import ProviderError
from wabot.brain.pictures import Picture
from wabot.brain.providers.provider import Provider
from wabot.brain.providers.request import estimate_prompt_tokens
from wabot.brain.settings import ProviderSettings
from wabot.trials.peers.model_behaviours import echo, say, status
from wabot.trials.peers.model_server import Behaviour, Handler
from wabot.trials.peers.picture_behaviours import REFUSALS, at_most, blind, looking, pictures_of

JPEG = b"\xff\xd8\xff" + b"j" * 40
TYPES = {
    "image/jpeg": JPEG,
    "image/png": b"\x89PNG\r\n\x1a\n" + b"p" * 40,
    "image/gif": b"GIF89a" + b"g" * 40,
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP" + b"w" * 40,
}
pytestmark = pytest.mark.usefixtures("no_proxy")


def provider(server: ProviderServer, vision: bool | None = None) -> Provider:
    return Provider(ProviderSettings("tiny", server.base_url, "tiny", KEY, timeout_seconds=5, vision=vision))


def asking(folder: Path, *contents: bytes, text: str = "is it in stock?") -> list[dict[str, Any]]:
    """A prompt whose last message has these pictures."""
    pictures = []
    for number, content in enumerate(contents):
        pictures.append(Picture(folder / str(number)))
        pictures[-1].path.write_bytes(content)
    system = {"role": "system", "content": "you are"}
    return [system, {"role": "user", "content": text, "pictures": tuple(pictures)}]


def last(server: ProviderServer) -> Any:
    return server.requests[-1].messages[-1]["content"]


def test_a_picture_goes_with_its_message_under_its_true_type(server: ProviderServer, tmp_path: Path) -> None:
    server.default = looking(lambda text, pictures: f"{text} {len(pictures)}")
    messages = asking(tmp_path, *TYPES.values())
    completion = provider(server).complete(messages, 5)
    assert (completion.text, completion.pictures) == ("is it in stock? 4", 4)
    assert pictures_of(server.requests[-1].body) == [*TYPES.items()]
    assert last(server)[1] == {
        "type": "image_url",
        "image_url": {"url": f"data:image/jpeg;base64,{b64encode(JPEG).decode()}", "detail": "auto"},
    }
    assert server.requests[-1].messages[0] == messages[0]
    assert estimate_prompt_tokens(messages) > 4000


def test_what_is_not_shown_is_said(server: ProviderServer, tmp_path: Path) -> None:
    gone, not_one, large = JPEG, b"%PDF-1.4", b"\xff\xd8\xff" + bytes(3_000_000)
    for contents, shown in (
        ((gone,), []),
        ((not_one,), []),
        ((large,), []),
        ((JPEG + b"1", JPEG + b"2", JPEG, JPEG, JPEG), [JPEG + b"2", JPEG, JPEG, JPEG]),
        (
            (b"\xff\xd8\xff" + bytes(2_000_000), JPEG, b"\xff\xd8\xff" + bytes(2_000_000)),
            [JPEG, b"\xff\xd8\xff" + bytes(2_000_000)],
        ),
    ):
        messages = asking(tmp_path, *contents)
        if contents == (gone,):
            (tmp_path / "0").unlink()
        completion = provider(server).complete(messages, 5)
        assert completion.pictures == len(shown)
        assert [content for _, content in pictures_of(server.requests[-1].body)] == shown
        said = last(server) if not shown else last(server)[0]["text"]
        assert said.count("[image, not shown]") == len(contents) - len(shown)


@pytest.mark.parametrize("whose", REFUSALS)
def test_a_blind_model_is_found_out_and_answers(
    server: ProviderServer, tmp_path: Path, whose: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.default = blind(echo(), *REFUSALS[whose])
    asked = provider(server)
    for calls in (2, 3):
        completion = asked.complete(asking(tmp_path, JPEG), 5)
        assert completion.text == "echo: is it in stock?\n[image, not shown]"
        assert (completion.pictures, len(server.requests)) == (0, calls)
    assert caplog.messages == ["provider tiny takes no pictures; asked without from now on"]


def refusing_a(word: bytes, how: Behaviour, well: Behaviour) -> Behaviour:
    """A model that sees, but for pictures that hold a word."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        refused = any(word in content for _, content in pictures_of(body))
        (how if refused else well)(handler, body)

    return act


def test_a_model_that_has_seen_is_not_blind_for_one_picture_that_it_refused(
    server: ProviderServer, tmp_path: Path
) -> None:
    server.default = refusing_a(b"bad", status(400, text="Could not process image"), echo())
    asked = provider(server)
    shown = [asked.complete(asking(tmp_path, JPEG + end), 5).pictures for end in (b"", b"bad", b"bad", b"")]
    assert shown == [1, 0, 0, 1]


@pytest.mark.parametrize(
    "refusal",
    [
        status(400, text="content_policy_violation: the image was flagged"),
        status(400, text="This model's maximum context length is 4096 tokens"),
    ],
)
def test_a_filter_and_a_full_window_say_nothing_of_eyes(
    server: ProviderServer, tmp_path: Path, refusal: Behaviour
) -> None:
    server.default = refusing_a(b"bad", refusal, echo())
    asked = provider(server)
    assert [asked.complete(asking(tmp_path, JPEG + end), 5).pictures for end in (b"bad", b"")] == [0, 1]


def test_of_several_that_are_too_large_the_newest_is_shown(server: ProviderServer, tmp_path: Path) -> None:
    server.default = at_most(
        looking(lambda _, pictures: f"{[each[-1:] for each in pictures]}"), len(JPEG) + 1
    )
    asked = provider(server)
    completion = asked.complete(asking(tmp_path, JPEG + b"1", JPEG + b"2"), 5)
    assert (completion.text, completion.pictures) == ("[b'2']", 1)
    server.script(status(413), say("none"))
    assert asked.complete(asking(tmp_path, JPEG + b"3"), 5).pictures == 0
    assert asked.complete(asking(tmp_path, JPEG + b"4"), 5).pictures == 1


def test_what_is_refused_without_pictures_as_well_is_not_about_them(
    server: ProviderServer, tmp_path: Path
) -> None:
    def act(handler: Handler, body: dict[str, Any]) -> None:
        if body["messages"][0]["role"] == "system":
            handler.send_json({"error": {"message": "System role not supported"}}, 400)
        elif "max_tokens" in body:
            error = {"param": "max_tokens", "code": "unsupported_parameter", "message": "no"}
            handler.send_json({"error": error}, 400)
        else:
            looking(lambda text, pictures: f"{text} {len(pictures)}")(handler, body)

    server.default = act
    asked = provider(server)
    assert asked.complete(asking(tmp_path, JPEG), 5).text == "you are\n\nis it in stock? 1"
    assert (asked.form.without, len(server.requests)) == (frozenset({"system", "max_tokens"}), 4)


def test_what_fails_without_pictures_as_well_is_its_error(server: ProviderServer, tmp_path: Path) -> None:
    asked = provider(server)
    for code, kind in ((401, "unauthorized"), (500, "unavailable"), (404, "not_found")):
        server.default = status(code)
        with pytest.raises(ProviderError) as raised:
            asked.complete(asking(tmp_path, JPEG), 5)
        assert raised.value.kind == kind
    server.default = say("a pot")
    assert asked.complete(asking(tmp_path, JPEG), 5).pictures == 1


def test_what_is_configured_is_believed(server: ProviderServer, tmp_path: Path) -> None:
    server.default = blind(echo(), *REFUSALS["OpenAI"])
    for vision, calls in ((False, [1, 1]), (True, [2, 2])):
        asked = provider(server, vision)
        counted = []
        for _ in range(2):
            server.requests.clear()
            assert asked.complete(asking(tmp_path, JPEG), 5).pictures == 0
            counted.append(len(server.requests))
        assert counted == calls


def test_no_picture_stands_in_what_is_said_of_a_prompt(tmp_path: Path) -> None:
    messages = asking(tmp_path, JPEG)
    assert JPEG.decode("latin-1") not in repr(messages)
    with pytest.raises(TypeError):
        json.dumps(messages)
