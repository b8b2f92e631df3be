from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.errors import ExitCode, OperatorNeeded
from wabot.session.lock import Holder, SessionInUse, SessionLock, is_held, read_holder

HOLD = """
    import sys, pathlib
    from wabot.session.lock import SessionLock
    lock = SessionLock(pathlib.Path(sys.argv[1]))
    lock.acquire(0)
    print("held", flush=True)
    sys.stdin.read()
"""

# x86-64 and aarch64 number the system call differently; the filter makes every flock fail with ENOLCK,
# as on a network file system without a lock daemon.
REFUSE_FLOCK = """
    import ctypes, errno, platform, struct
    number = {"x86_64": 73, "aarch64": 32}[platform.machine()]
    refuse, allow = 0x50000 | errno.ENOLCK, 0x7FFF0000
    instructions = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, refuse), (0x06, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    program = struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0, "no new privileges"
    assert libc.prctl(22, 2, program, 0, 0) == 0, "filter system calls"
"""


def start(*parts: str, path: Path) -> subprocess.Popen[str]:
    program = "\n".join(textwrap.dedent(part) for part in parts)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def holding_process() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def hold(path: Path) -> subprocess.Popen[str]:
        process = start(HOLD, path=path)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        with process:
            process.wait(10)


def test_the_lock_file_is_private_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sessions" / "default.lock"
    lock = SessionLock(path)
    assert not is_held(path)
    assert read_holder(path) is None
    assert not path.parent.exists(), "looking must not create anything"

    lock.acquire(0)

    assert is_held(path)
    assert lock.is_intact()
    holder = read_holder(path)
    assert holder is not None
    assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
    assert datetime.now(UTC) - holder.since < timedelta(minutes=1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    lock.release()
    assert not is_held(path)
    assert path.exists(), "the lock file is never deleted"


def test_a_second_process_is_refused_by_name(
    tmp_path: Path, holding_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    path = tmp_path / "default.lock"
    process = holding_process(path)

    with pytest.raises(SessionInUse) as refused:
        SessionLock(path).acquire(0)

    assert refused.value.exit_code is ExitCode.OPERATOR_NEEDED
    assert refused.value.holder is not None
    assert refused.value.holder.pid == process.pid
    message = str(refused.value)
    assert message.startswith(f"session default is in use by PID {process.pid} (host ")
    assert message.endswith(f"kill {process.pid}")
    assert "\n" not in message


def test_kill_9_frees_the_session_at_once(
    tmp_path: Path, holding_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    path = tmp_path / "default.lock"
    process = holding_process(path)
    assert is_held(path)

    process.send_signal(signal.SIGKILL)
    process.wait(10)

    assert not is_held(path)
    last = read_holder(path)
    assert last is not None
    assert last.pid == process.pid
    with SessionLock(path).acquire(0):
        now = read_holder(path)
        assert now is not None
        assert now.pid == os.getpid()


def test_grace_waits_for_a_process_that_is_ending(
    tmp_path: Path, holding_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    path = tmp_path / "default.lock"
    process = holding_process(path)
    ending = threading.Timer(0.5, process.kill)
    ending.start()
    with SessionLock(path).acquire(30) as lock:
        assert lock.is_intact()
    ending.join(10)


def test_a_child_process_does_not_keep_the_session(tmp_path: Path) -> None:
    path = tmp_path / "default.lock"
    lock = SessionLock(path)
    lock.acquire(0)
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, close_fds=False
    )
    try:
        lock.release()
        assert not is_held(path)
    finally:
        child.communicate(timeout=10)


def test_a_lock_file_deleted_under_the_holder_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "default.lock"
    lock = SessionLock(path)
    assert not lock.is_intact()
    lock.acquire(0)
    path.unlink()
    assert not lock.is_intact()
    path.touch()
    assert not lock.is_intact()


def test_looking_does_not_disturb_a_start(tmp_path: Path) -> None:
    """Somebody who looks has a shared lock for a moment; the start waits it out instead of giving up."""
    path = tmp_path / "default.lock"
    path.touch()
    looks = """
        import pathlib, sys, time
        from wabot.session.lock import is_held
        print("looking", flush=True)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            is_held(pathlib.Path(sys.argv[1]))
    """
    looker = start(looks, path=path)
    try:
        assert looker.stdout is not None
        assert looker.stdout.readline() == "looking\n"
        for _ in range(20):
            SessionLock(path).acquire(0).release()
    finally:
        looker.kill()
        looker.communicate(timeout=10)


def test_two_who_look_do_not_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "default.lock"
    path.touch()
    looks = """
        import pathlib, sys, time
        from wabot.session.lock import is_held
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert not is_held(pathlib.Path(sys.argv[1]))
    """
    lookers = [start(looks, path=path) for _ in range(3)]
    for looker in lookers:
        _, errors = looker.communicate(timeout=30)
        assert looker.returncode == 0, errors


def test_a_file_system_that_cannot_lock_is_refused_with_the_reason(tmp_path: Path) -> None:
    tries = """
        import pathlib, sys
        from wabot.session.lock import OperatorNeeded, SessionLock, is_held
        path = pathlib.Path(sys.argv[1])
        for attempt in (lambda: SessionLock(path).acquire(5), lambda: is_held(path)):
            try:
                attempt()
            except OperatorNeeded as error:
                print(type(error).__name__, error)
    """
    process = start(REFUSE_FLOCK, tries, path=tmp_path / "default.lock")
    output, errors = process.communicate(timeout=30)
    line = (
        f"OperatorNeeded {tmp_path}/default.lock: this file system cannot lock files (No locks available); "
        "put paths.state on a local disk\n"
    )
    assert output == line * 2, errors


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("text")
    path = tmp_path / "default.lock"
    path.symlink_to(target)
    with pytest.raises(OperatorNeeded, match="cannot be opened"):
        SessionLock(path).acquire(0)
    with pytest.raises(OperatorNeeded, match="cannot be opened"):
        is_held(path)
    assert target.read_text() == "text"


def test_the_advice_fits_the_holder() -> None:
    since = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    path = Path("/var/lib/wabot/sessions/shop.lock")
    here = socket.gethostname()
    assert str(SessionInUse(path, Holder(7, here, "wabot@shop.service", since))) == (
        f"session shop is in use by PID 7 (host {here}, wabot@shop.service, "
        "since 2026-03-01 12:00:00 UTC); stop it first: sudo systemctl stop wabot@shop.service"
    )
    assert str(SessionInUse(path, Holder(7, here, "cron.service", since))).endswith("kill 7")
    assert "stop it there first" in str(SessionInUse(path, Holder(7, "elsewhere.invalid", None, since)))
    assert f"fuser -v {path}" in str(SessionInUse(path, None))


@pytest.mark.parametrize(
    "change",
    [
        {"pid": "7"},
        {"host": 7},
        {"host": "a\x1b[2Jb"},
        {"unit": ["x"]},
        {"since": "yesterday"},
        {"since": None},
    ],
)
def test_a_stamp_nobody_here_wrote_names_nobody(tmp_path: Path, change: dict[str, object]) -> None:
    stamp = {"pid": 7, "host": "h", "unit": None, "since": "2026-03-01T12:00:00+00:00"}
    path = tmp_path / "default.lock"
    path.write_text(json.dumps(stamp) + "\nleft over from an older and longer stamp")
    assert read_holder(path) == Holder(7, "h", None, datetime(2026, 3, 1, 12, tzinfo=UTC))
    path.write_text(json.dumps({**stamp, **change}))
    assert read_holder(path) is None


@pytest.mark.parametrize(
    "unit", ["wabot; reboot", "wabot.service; reboot", "$(reboot).service", "wabot", "-x"]
)
def test_what_is_no_unit_stands_in_no_advice(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "default.lock"
    stamp = {"pid": 7, "host": socket.gethostname(), "unit": unit, "since": "2026-03-01T12:00:00+00:00"}
    path.write_text(json.dumps(stamp))
    holder = read_holder(path)
    assert holder is not None and holder.unit is None
    assert SessionInUse(path, holder).advice == "stop it first: kill 7"
    path.write_text(json.dumps(stamp | {"pid": 1}))
    assert read_holder(path) is None, "nobody is told to kill that"


JSON = st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())


@given(st.binary(max_size=300) | JSON)
def test_any_lock_file_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.lock"
    path.write_bytes(content)
    assert read_holder(path) is None
