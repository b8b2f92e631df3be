from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections import Counter
from contextlib import closing, suppress
from typing import Any

import pytest

from tests.support import REPOSITORY
from wabot.emulator.signal.message_kinds import KINDS
from wabot.trials.peers.model_server import ModelServer
from wabot.trials.soak.account import SoakAccount
from wabot.trials.soak.command import main
from wabot.trials.soak.model import PICTURE, answer_references, misbehaviours
from wabot.trials.soak.plan import FAULTS, plan_deeds, plan_troubles
from wabot.trials.soak.report import report

# The plan


def test_the_same_seed_plans_the_same() -> None:
    assert plan_deeds(1, 60, 20) == plan_deeds(1, 60, 20) != plan_deeds(2, 60, 20)
    assert plan_troubles(1, 60, tuple(FAULTS)) == plan_troubles(1, 60, tuple(FAULTS))
    assert plan_troubles(1, 60, tuple(FAULTS)) != plan_troubles(2, 60, tuple(FAULTS))


def test_customers_write_in_order_of_time_and_each_question_has_its_own_reference() -> None:
    deeds = plan_deeds(1, 600, 30)
    assert [deed.at_seconds for deed in deeds] == sorted(deed.at_seconds for deed in deeds)
    assert {deed.customer for deed in deeds} == set(range(1, 31))
    texts = [deed.text for deed in deeds if deed.what == "text"]
    assert len(set(texts)) == len(texts) > 500
    assert max(map(len, texts)) > 1000
    assert {deed.what for deed in deeds} == {
        *("text", "voice", "image", "document", "kind", "reaction", "repeat", "resend")
    }


def test_every_kind_of_message_is_one_that_can_be_made() -> None:
    named = {deed.text for deed in plan_deeds(1, 3600, 60) if deed.what == "kind"}
    assert len(named) > 15
    assert named < set(KINDS)


def test_every_fault_has_its_turn() -> None:
    troubles = plan_troubles(1, 600, tuple(FAULTS))
    assert len(troubles) > 100
    first_round = [trouble.fault for trouble in troubles[: len(FAULTS)]]
    assert sorted(first_round) == sorted(FAULTS)
    assert plan_troubles(1, 600, ()) == []


# The model


@pytest.fixture
def model() -> Any:
    with ModelServer(answer_references(1)) as running:
        yield running


def ask(model: ModelServer, *contents: str, system: str = "system") -> str:
    roles = ("user", "assistant")
    messages = [{"role": roles[content.startswith("Sí")], "content": content} for content in contents]
    messages.insert(0, {"role": "system", "content": system})
    request = urllib.request.Request(
        model.base_url + "/chat/completions", json.dumps({"messages": messages}).encode()
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def test_the_model_repeats_the_references_nobody_has_answered(model: ModelServer) -> None:
    answer = ask(model, "R1-1?", "Sí, claro: R1-1.", "[👍] > Sí, claro: R1-1.\nhi R1-2", "and R1-3")
    assert answer == "Sí, claro: R1-2.\nSí, claro: R1-3."


def test_the_model_sends_a_picture_that_it_is_offered_and_asked_for(model: ModelServer) -> None:
    asked = f"R1-1? Y {PICTURE}."
    assert ask(model, asked, system="[FILE_1: A pot]") == "Sí, claro: R1-1.\nFILE_1"
    assert ask(model, asked) == ask(model, "R1-1?", system="[FILE_1: A pot]") == "Sí, claro: R1-1."


@pytest.mark.parametrize("number", range(len(misbehaviours(answer_references(1)))))
def test_a_misbehaving_model_gives_no_answer_in_time(model: ModelServer, number: int) -> None:
    model.default = misbehaviours(answer_references(1))[number]
    body = json.dumps({"messages": [{"role": "user", "content": "R1-1?"}]}).encode()
    host, port = model.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    heard = b""
    with closing(socket.create_connection((host, int(port)), timeout=0.7)) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        with suppress(TimeoutError):
            heard = connection.recv(65_536) + connection.recv(65_536)
    assert b"R1-1" not in heard


# The report


def test_the_verdict_says_what_was_found() -> None:
    account = SoakAccount(Counter(answered=2), Counter(sent=2), doubled=1)
    passed = report(account, {"kill": 3}, {0: 1, -9: 3}, None)
    assert "3    kill -9, and a new start" in passed
    assert "3    by signal 9" in passed
    assert passed.endswith("PASSED: 0 lost silently, 0 doubled beyond the 1 counted as in doubt")
    account.unfinished.append("Ana: 'R1-1?' still waits for an answer")
    assert "INTERRUPTED after 5 s" in (cut_short := report(account, {}, {}, 5.0))
    assert cut_short.endswith("1 left unfinished")
    account.faults += [f"fault {number}" for number in range(50)]
    failed = report(account, {}, {}, 5.0)
    assert "fault 39\n… and 10 more" in failed
    assert failed.endswith("FAILED: 50 things that must not be")


# The command


@pytest.mark.parametrize(
    "arguments",
    [
        ["--faults", "earthquake"],
        ["--faults", "database-restart", "--database", "sqlite"],
        ["--minutes", "long"],
        ["--minutes", "0"],
        ["--minutes", "nan"],
        ["--seed", "x"],
        ["--customers", "0"],
        ["--database", "mysql"],
        ["--keep", "/proc/version"],
        ["--keep", "/usr"],
        ["everything"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64
    assert capsys.readouterr().err.count("\n") == 1


def test_the_help_names_every_fault() -> None:
    script = REPOSITORY / "scripts" / "soak"
    told = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
    listed = (
        told.partition("Faults:")[2]
        .partition("\n\n")[0]
        .replace(" (PostgreSQL only)", "")
        .replace(" (root only)", "")
    )
    assert [each.strip() for each in listed.split(",")] == list(FAULTS)
