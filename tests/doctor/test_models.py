from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.examined_bot import database, illnesses
from tests.support.provider_server import ProviderServer
from wabot.clock import utc_now
from wabot.database.models import ModelUsage
from wabot.doctor.examination import examine
from wabot.trials.peers.model_behaviours import say, status
from wabot.trials.peers.model_server import Behaviour, Handler
from wabot.trials.peers.picture_behaviours import blind, pictures_of


def json_status(code: int, error: dict[str, str]) -> Behaviour:
    """An error with more than a message."""
    return lambda handler, body: handler.send_json({"error": error}, code)


def test_a_budget_that_is_spent(file: Path, state: Path) -> None:
    with file.open("a") as text:
        text.write(
            'tokens_per_day = 9000\n[[ai.providers]]\nname = "gpt"\n'
            'base_url = "http://far.example/v1"\nmodel = "m"\ncalls_per_day = 5\n'
        )
    assert "ai budget" not in illnesses(file)
    today = datetime.now().astimezone().date().isoformat()
    with database(f"sqlite:///{state}/wabot.db"):
        ModelUsage.create(user_id="ana", day=today, provider="gpt", calls=5, refused_tokens=430)
    ill = illnesses(file)["ai budget"]
    assert ill.text == "gpt: 5 of 5 calls today: spent, so it is not asked"
    assert "raise calls_per_day" in ill.cure
    assert "[[ai.providers]] gpt" in ill.cure
    (state / "wabot.db").unlink()
    assert "ai budget" not in illnesses(file)


def test_a_model_is_named_once_in_what_is_wrong_with_it(file: Path, state: Path) -> None:
    with file.open("a") as text:
        text.write('[[ai.providers]]\nname = "own"\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n')
    ill = illnesses(file)["ai own"]
    assert ill.text == "no connection to it (nothing listens there)"


def test_a_model_that_does_not_answer(file: Path, state: Path, model: Any) -> None:
    with file.open("a") as text:
        text.write(f'[[ai.providers]]\nname = "mine"\nbase_url = "{model.address}/v1"\nmodel = "m"\n')
    assert illnesses(file) == {}
    model.status = 401
    ill = illnesses(file)["ai mine"]
    assert "it wants an api_key, and none is set" in ill.text
    assert "[[ai.providers]] mine" in ill.cure
    model.status = 503
    assert illnesses(file)["ai mine"].cure.startswith(
        "start it, or edit the base_url of [[ai.providers]] mine in"
    )


def with_model(file: Path, server: ProviderServer, more: str = "") -> None:
    with file.open("a") as text:
        text.write(f'[[ai.providers]]\nname = "mine"\nbase_url = "{server.base_url}"\nmodel = "tiny"\n{more}')


def test_a_model_is_asked_what_the_bot_asks(file: Path, state: Path, server: ProviderServer) -> None:
    """The persona, facts of the shop, two turns: what refuses one of them refuses every customer."""
    with_model(file, server)
    persona = file.parent / "persona.txt"
    persona.write_text("Eres Paco, el tendero.", encoding="utf-8")
    setting = f'[ai]\nsystem_prompt_file = "{persona}"\n'
    file.write_text(file.read_text().replace("[ai]\n", setting))
    assert illnesses(file) == {}
    request, looked = server.requests
    system, *turns = request.messages
    assert "Eres Paco" in system["content"]
    assert "From nine to five." in system["content"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert request.body["max_tokens"] == 400
    ((kind, content),) = pictures_of(looked.body)
    with Image.open(io.BytesIO(content)) as picture:
        assert (kind, picture.size) == ("image/png", (32, 32))
        picture.load()


def test_whether_a_model_sees(file: Path, state: Path, server: ProviderServer) -> None:
    whole = file.read_text()
    for vision, blind_one, told in (
        ('"auto"', False, "tiny answers, and takes pictures"),
        ('"auto"', True, "tiny answers, and takes no pictures"),
        ("false", False, "tiny answers, and is shown no pictures"),
        (
            "true",
            True,
            "tiny takes no pictures, and vision = true: each is refused before it answers without",
        ),
    ):
        server.default = blind(say("ready"), 400, {"error": "no"}) if blind_one else say("ready")
        file.write_text(whole)
        with_model(file, server, f"vision = {vision}\n")
        findings = {found.name: found for found in examine(file, {}, utc_now(), online=False)}
        assert (findings["ai mine"].text, findings["ai mine"].ok) == (told, vision != "true")


def test_a_model_that_takes_less_than_the_bot_asks(file: Path, state: Path, server: ProviderServer) -> None:
    long_text = "".join(f"# Hours {number}\n" + "From nine to five. " * 30 for number in range(4))
    (file.parent / "texts" / "shop.md").write_text(long_text)

    def small(handler: Handler, body: dict[str, Any]) -> None:
        if len(json.dumps(body)) > 3500:
            handler.send_json({"error": {"type": "exceed_context_size_error", "n_ctx": 1200}}, 400)
        else:
            say("ready")(handler, body)

    server.default = small
    with_model(file, server)
    ill = illnesses(file)["ai mine"]
    assert "tiny takes no more than about" in ill.text
    assert "larger context" in ill.cure


@pytest.mark.parametrize(
    ("behaviour", "text", "cure"),
    [
        (status(402, text="Insufficient Balance"), "no credit left; it says: Insufficient", "add credit"),
        (
            json_status(429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}),
            "it answered 429 (insufficient_quota): the account there has no credit left",
            "add credit",
        ),
        (status(429, text="Too many requests"), "too many requests", "wait, or raise the limit"),
        (
            status(404, text='model "tiny" not found, try pulling it first'),
            "does not have",
            "ollama pull tiny",
        ),
        (status(404, text="page not found"), "nothing at this address", "with /v1"),
        (status(401, text="Incorrect API key"), "api_key", "edit the api_key of [[ai.providers]] mine"),
        (say("<think>hm"), "no further than thinking", "raise the max_tokens of [[ai.providers]] mine"),
        (status(400, text="System role and all else not supported"), "no message of the system", "edit"),
        (status(400, text="content_filter"), "refuses this text", "edit these texts"),
    ],
)
def test_the_cause_a_model_gives_and_the_next_step(
    file: Path, state: Path, server: ProviderServer, behaviour: Behaviour, text: str, cure: str
) -> None:
    server.default = behaviour
    with_model(file, server)
    ill = illnesses(file)["ai mine"]
    assert text in ill.text
    assert cure in ill.cure


def test_what_a_provider_says_shows_no_key(
    file: Path, state: Path, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "sk-secret-0123456789")
    server.default = status(401, text="Incorrect API key provided: sk-secret-0123456789\nsee \x1b[31m there")
    with_model(file, server, 'api_key = "env:KEY"\n')
    ill = illnesses(file)["ai mine"]
    assert "it says: Incorrect API key provided: ***" in ill.text
    assert "sk-secret" not in str(ill)
    assert "\x1b" not in str(ill)


def test_a_model_elsewhere_is_left_alone_unless_told(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing may leave this machine, so the way out leads nowhere.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with file.open("a") as text:
        text.write('[[ai.providers]]\nname = "far"\nbase_url = "https://model.invalid/v1"\nmodel = "m"\n')
    assert illnesses(file) == {}
    assert illnesses(file, online=True).keys() == {"ai far", "network"}
