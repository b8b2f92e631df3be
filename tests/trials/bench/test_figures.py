from __future__ import annotations

import argparse
import os
import runpy
from collections.abc import Sequence

import pytest
import requests

from wabot.system.terminal import INTERRUPTED, until_interrupted
from wabot.trials.bench.leaks import Growth, Held, held
from wabot.trials.bench.leaks import as_table as leaks_table
from wabot.trials.bench.losses import Account
from wabot.trials.bench.losses import as_table as losses_table
from wabot.trials.bench.messages import GOALS, GOALS_WITH_MODEL, Figures, as_table, compared
from wabot.trials.peers.instant_model import InstantModel


def figures(**values: float) -> Figures:
    """Three rounds, of which the middle one has these values by the first words of their names; else 100."""
    made = Figures()
    for name in GOALS:
        value = next((value for start, value in values.items() if name.startswith(start)), 100.0)
        for each in (value / 2, value, value * 9):
            made.add(name, each)
    return made


def test_each_figure_is_a_median_and_is_judged_by_its_ratio() -> None:
    rows = {row["figure"]: row for row in compared(figures(), figures(round=126, throughput=79, CPU=140))}
    assert rows["round trip, median"]["ratio"] == pytest.approx(1.26)
    assert {name: row["verdict"] for name, row in rows.items()} == {
        **dict.fromkeys(GOALS, "met"),
        "round trip, median": "missed",
        "round trip, 95th percentile": "missed",
        "throughput, 50 chats": "missed",
    }
    assert compared(figures(), figures(throughput=80))[2]["verdict"] == "met"


def test_the_table_says_for_each_figure_whether_its_goal_is_met() -> None:
    table = as_table(compared(figures(), figures(round=126))).splitlines()
    assert len(table) == 1 + len(GOALS)
    assert " ".join(table[1].split()) == "round trip, median ms 100.00 126.00 1.26 1.26–1.26 ≤ 1.25 missed"
    assert (
        " ".join(table[3].split()) == "throughput, 50 chats messages/s 100.00 100.00 1.00 1.00–1.00 ≥ 0.8 met"
    )


def test_the_table_says_how_far_the_rounds_are_apart() -> None:
    bare, wabot = figures(), figures()
    wabot.rounds["CPU per 1,000 messages"] = [45, 130, 1170]
    row = next(row for row in compared(bare, wabot) if row["figure"] == "CPU per 1,000 messages")
    assert (row["lowest_ratio"], row["ratio"], row["highest_ratio"]) == (0.9, 1.3, 1.3)


def test_with_a_model_the_round_trip_may_take_some_milliseconds_more() -> None:
    rows = compared(figures(round=5), figures(round=9), GOALS_WITH_MODEL)
    assert (rows[0]["goal"], rows[0]["verdict"]) == ("≤ +4 ms", "met")
    rows = compared(figures(round=5), figures(round=9.1, CPU=161), GOALS_WITH_MODEL)
    missed = [row["figure"] for row in rows if row["verdict"] == "missed"]
    assert missed == [*list(GOALS)[:2], "CPU per 1,000 messages"]


def test_the_instant_model_answers_each_request_of_a_connection() -> None:
    with InstantModel("¿Sí?") as model, requests.Session() as session:
        for length in (0, 10, 200_000):
            response = session.post(f"{model.base_url}/chat/completions", data=b"x" * length)
            assert response.json()["choices"][0]["message"]["content"] == "¿Sí?"


@pytest.mark.parametrize(
    ("scenario", "lost", "duplicated", "verdict"),
    [
        ("link cut at every 20th send", 0, 0, "met"),
        ("link cut at every 20th send", 1, 0, "missed"),
        ("SIGTERM every 100", 0, 1, "missed"),
        ("kill -9 every 100", 0, 10, "met"),
        ("kill -9 every 100", 0, 11, "missed"),
        ("kill -9 every 100", 1, 0, "missed"),
    ],
)
def test_only_a_kill_may_double_what_was_leaving(
    scenario: str, lost: int, duplicated: int, verdict: str
) -> None:
    account = Account(scenario, "wabot", 1000, 3, lost, duplicated, ends=10)
    assert account.verdict == verdict
    assert losses_table([account]).splitlines()[1].split()[-6:] == [
        "wabot",
        "1000",
        "3",
        str(lost),
        str(duplicated),
        verdict,
    ]


def test_what_a_process_holds_is_counted() -> None:
    before = held(os.getpid())
    assert before.memory_mb > 1
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    after = held(os.getpid())
    for each in opened:
        os.close(each)
    growth = Growth("wabot", "files", 3, before, after)
    assert growth.descriptors == 3
    assert growth.threads == 0
    assert "3 files" in leaks_table([growth])
    assert Growth("wabot", "x", 1, Held(10, 5, 3), Held(12.5, 5, 4)).memory_mb == 2.5


def test_an_interrupt_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_arguments: Sequence[str]) -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        until_interrupted(main)
    assert ended.value.code == INTERRUPTED
    assert capsys.readouterr().err == "\nInterrupted.\n"


@pytest.mark.parametrize(
    "script",
    [f"wabot.trials.bench.{name}" for name in ("leaks", "losses", "messages", "media", "janitor", "size")],
)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_each_benchmark_ends_so(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", interrupted)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(script, run_name="__main__")
    assert ended.value.code == INTERRUPTED
    assert capsys.readouterr().err == "\nInterrupted.\n"
