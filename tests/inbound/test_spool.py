from __future__ import annotations

import errno
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.arrivals import ANA, GROUP, NOON, arrival, later
from wabot.errors import OperatorNeeded
from wabot.inbound.spool import (
    SET_ASIDE,
    Damaged,
    Spool,
    Spooled,
    SpoolFull,
    blank_out,
    decode,
    encode,
    read_spool,
)
from wabot.whatsapp.messages import Attachment, IncomingMessage, MessageKind

_APPEND_FOR_EVER = """
import pathlib, sys
from tests.support.arrivals import NOON, arrival
from wabot.inbound.spool import Spool
from wabot.inbound.spool import Spooled
spool = Spool(pathlib.Path(sys.argv[1]))
for number in range(100_000):
    spool.append(Spooled(arrival(f"message {number}"), NOON))
    print(number, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def keep(spool: Spool, *texts: str) -> None:
    for text in texts:
        spool.append(Spooled(arrival(text), NOON))


def take(spool: Spool, most: int = 1000) -> list[str]:
    with spool.batch(most) as messages:
        return [spooled.message.text for spooled in messages]


def set_aside(file: Path) -> bytes:
    path = file.with_name(file.name + SET_ASIDE)
    return path.read_bytes() if path.exists() else b""


@contextmanager
def disk_of(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond this: the kernel then writes a part and refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_message_comes_back_as_it_was() -> None:
    message = arrival(
        "line one\nline two \x00 ñ 🎂 \ud800",
        kind=MessageKind.EDIT,
        chat=GROUP,
        sender=ANA,
        target_id="3EB0",
        mentions=("34600111222", "299"),
        offline=True,
        sent_at=later(-3.25),
        attachment=Attachment(
            "audio/ogg", "é\n.ogg", 2**60, 7, True, "https://h/p", "/p?x", "00", "11", "22"
        ),
        album_id="3EB1",
    )
    line = encode(Spooled(message, later(1.5)))
    assert line.count(b"\n") == 1
    assert decode(line) == Spooled(message, later(1.5))


@given(st.text(), st.text(), st.lists(st.text()))
def test_any_text_comes_back_as_it_was(text: str, name: str, mentions: list[str]) -> None:
    spooled = Spooled(arrival(text, name=name, mentions=tuple(mentions)), NOON)
    assert decode(encode(spooled)) == spooled


@given(st.binary(max_size=300))
def test_what_was_not_written_by_a_bot_is_damaged(line: bytes) -> None:
    with pytest.raises(Damaged):
        decode(line)


def test_what_a_later_version_adds_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    spooled = Spooled(arrival("hello"), NOON)
    line = encode(spooled)
    monkeypatch.setattr("wabot.inbound.spool._FIELDS", _known_fields() - {"offline"})
    assert decode(line) == spooled
    with_file = Spooled(arrival("", attachment=Attachment("audio/ogg")), NOON)
    monkeypatch.setattr("wabot.inbound.spool._FILE_FIELDS", frozenset({"mimetype"}))
    assert decode(encode(with_file)) == with_file


def _known_fields() -> frozenset[str]:
    return frozenset(IncomingMessage.__slots__)


def test_messages_are_taken_in_the_order_they_came(file: Path) -> None:
    spool = Spool(file)
    assert len(spool) == 0
    assert not file.exists()
    keep(spool, "a", "b", "c")
    assert (len(spool), file.stat().st_mode & 0o777) == (3, 0o600)
    assert take(spool, 2) == ["a", "b"]
    keep(spool, "d")
    assert (len(spool), take(spool, 2)) == (2, ["c", "d"])
    assert (len(spool), file.stat().st_size) == (0, 0)
    keep(spool, "e")
    assert take(spool) == ["e"]


def test_messages_stay_when_the_database_does_not_take_them(file: Path) -> None:
    spool = Spool(file)
    keep(spool, "a", "b")
    with pytest.raises(OSError, match="away"), spool.batch(10):
        raise OSError("away")
    assert (len(spool), take(spool)) == (2, ["a", "b"])


def test_the_next_process_finds_what_is_left(file: Path) -> None:
    keep(Spool(file), "a", "b")
    spool = Spool(file)
    assert len(spool) == 2
    keep(spool, "c")
    assert take(spool, 2) == ["a", "b"]
    # Killed before the last was taken: who starts next gets all of them once more; the inbox knows them.
    assert take(Spool(file)) == ["a", "b", "c"]
    assert len(Spool(file)) == 0


def test_wherever_the_last_line_was_cut_the_whole_ones_are_there(file: Path) -> None:
    keep(Spool(file), "a", "b")
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(len(whole) + 1):
        file.write_bytes(whole[:end])
        spool = Spool(file)
        kept = (end >= first) + (end == len(whole))
        assert len(spool) == kept
        keep(spool, "new")
        assert take(spool) == [*["a", "b"][:kept], "new"]
    assert not set_aside(file)


def test_a_damaged_line_is_set_aside_and_the_others_are_taken(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(Spool(file), "a", "b", "c")
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"text":"b"', b'"text":"x"')
    file.write_bytes(b"".join(lines))
    assert take(Spool(file)) == ["a", "c"]
    assert set_aside(file) == lines[1]
    assert file.with_name(file.name + SET_ASIDE).stat().st_mode & 0o777 == 0o600
    assert "a message kept on disk is damaged (the checksum does not fit)" in caplog.text
    assert f"it was set aside in {file}.damaged" in caplog.text


LINE_BYTES = len(encode(Spooled(arrival("a"), NOON)))


@pytest.mark.parametrize(("most_messages", "most_bytes"), [(2, 10_000), (1000, int(2.5 * LINE_BYTES))])
def test_there_is_a_bound_and_room_again_afterwards(file: Path, most_messages: int, most_bytes: int) -> None:
    spool = Spool(file, most_messages, most_bytes)
    keep(spool, "a", "b")
    with pytest.raises(SpoolFull, match="2 messages on disk are the most there may be"):
        keep(spool, "c")
    assert take(spool) == ["a", "b"]
    keep(spool, "c")
    assert take(spool) == ["c"]


def test_a_full_disk_keeps_nothing_by_halves(file: Path) -> None:
    spool = Spool(file)
    keep(spool, "a")
    with disk_of(file.stat().st_size + 50):
        with pytest.raises(OSError, match="too large"):
            keep(spool, "b" * 500)
        assert len(spool) == 1
    keep(spool, "c")
    assert take(spool) == ["a", "c"]
    assert not set_aside(file)


def test_the_name_of_a_new_spool_is_on_the_disk_with_its_first_message(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("wabot.inbound.spool.sync", synced.append)
    keep(Spool(file), "a", "b")
    assert synced == [file.parent]


def test_what_a_failing_disk_has_taken_all_the_same_is_no_damage(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(file)

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="Input/output"):
        keep(spool, "a")
        patch.setattr("os.fsync", fail)
        keep(spool, "stored elsewhere after all " * 9)
    keep(spool, "c")
    assert take(Spool(file)) == ["a", "c"]
    assert not set_aside(file)


def test_a_kill_at_any_moment_loses_and_doubles_nothing(file: Path) -> None:
    for _ in range(3):
        file.unlink(missing_ok=True)
        command = [sys.executable, "-c", _APPEND_FOR_EVER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(20):
                process.stdout.readline()
            process.kill()
            rest = process.stdout.read().splitlines()
        confirmed = 20 + len(rest)
        texts = take(Spool(file), 100_000)
        assert texts == [f"message {number}" for number in range(len(texts))]
        # The one that was being written at the kill may be there, without having been confirmed.
        assert confirmed <= len(texts) <= confirmed + 1


def test_a_file_that_cannot_be_read_is_for_the_operator(file: Path) -> None:
    file.mkdir()
    with pytest.raises(
        OperatorNeeded, match=r"spool cannot be read \(Is a directory\), and there may be messages"
    ):
        Spool(file)


def test_somebody_who_looks_sees_what_waits(file: Path) -> None:
    assert read_spool(file) == []
    keep(Spool(file), "a", "b")
    file.write_bytes(file.read_bytes() + b"rubbish\n")
    assert [spooled.message.text for spooled in read_spool(file)] == ["a", "b"]


def test_a_person_is_blanked_out_and_the_bot_goes_on(file: Path) -> None:
    spool = Spool(file)
    keep(spool, "a", "hush", "b")
    damaged = b"00000000 of 34600111222, hush\n"
    file.with_name(file.name + SET_ASIDE).write_bytes(damaged + b"00000000 of somebody else\n")
    size = file.stat().st_size
    words = frozenset({"34600111222"})
    assert blank_out(file, lambda spooled: spooled.message.text == "hush", words) == 2
    assert b"hush" not in file.read_bytes() + set_aside(file)
    assert b"somebody else" in set_aside(file)
    assert file.stat().st_size == size
    keep(spool, "c")
    assert take(spool) == ["a", "b", "c"]
    assert len(spool) == 0


def test_nobody_blanks_out_what_is_just_being_stored(file: Path) -> None:
    spool = Spool(file)
    keep(spool, "a")
    done = threading.Event()

    def erase() -> None:
        blank_out(file, lambda spooled: True, frozenset())
        done.set()

    with spool.batch(10):
        eraser = threading.Thread(target=erase)
        eraser.start()
        time.sleep(0.1)
        assert not done.is_set()
    eraser.join(5)
    assert done.is_set()
