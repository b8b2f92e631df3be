"""Groups of the emulator with sender keys, against the real client library."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.echo_process import EchoProcess

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("emulator")]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=5) as running:
        yield running


@pytest.fixture(scope="module")
def bot(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EchoProcess]:
    """Answers in groups as well."""
    with EchoProcess(emulator, tmp_path_factory.mktemp("bot") / "session.sqlite", "--groups") as process:
        process.pair()
        yield process


@pytest.fixture
def members(emulator: Emulator) -> list[Customer]:
    return [
        emulator.customer(next(_numbers), name=name, addressing="phone" if name == "Ben" else "lid")
        for name in ("Ana", "Ben", "Eva")
    ]


def test_each_member_reads_the_answers_to_each(
    emulator: Emulator, bot: EchoProcess, members: list[Customer]
) -> None:
    club = emulator.group("Club", members)
    for number, member in enumerate(members * 2, 1):
        club.send(member, f"message {number}")
        club.wait_for_replies(number)
    wanted = [f"message {number}" for number in range(1, 7)]
    assert [[reply.text for reply in club.replies(member)] for member in members] == [wanted] * 3
    assert [copy.text for copy in emulator.phone.copies if copy.text in wanted] == wanted
    assert not any(member.replies or member.unreadable for member in members)


def test_two_groups_and_the_private_chat_are_apart(
    emulator: Emulator, bot: EchoProcess, members: list[Customer]
) -> None:
    first, second = emulator.group("One", members[:2]), emulator.group("Two", members[1:])
    first.send(members[1], "to the first")
    second.send(members[1], "to the second")
    members[1].send("to the bot")
    assert [reply.text for reply in first.wait_for_replies(1)] == ["to the first"]
    assert [reply.text for reply in second.wait_for_replies(1)] == ["to the second"]
    assert [reply.text for reply in members[1].wait_for_replies(1)] == ["to the bot"]


def test_what_the_bot_cannot_read_is_sent_again(
    emulator: Emulator, bot: EchoProcess, members: list[Customer]
) -> None:
    club = emulator.group("Club", members)
    club.send(members[0], "spoilt once", spoil=1)
    assert [reply.text for reply in club.wait_for_replies(1)] == ["spoilt once"]
    club.renew_key(members[0])
    club.send(members[0], "with a new key")
    assert [reply.text for reply in club.wait_for_replies(2)] == ["spoilt once", "with a new key"]


def test_what_a_member_cannot_read_is_sent_again_to_that_member(
    emulator: Emulator, bot: EchoProcess, members: list[Customer]
) -> None:
    club = emulator.group("Club", members)
    members[1].damaged_replies = 1
    club.send(members[0], "hello")
    club.wait_for_replies(1)
    assert [len(member.unreadable) for member in members] == [0, 1, 0]
    club.send(members[0], "and again")
    assert [reply.text for reply in club.wait_for_replies(2)] == ["hello", "and again"]
