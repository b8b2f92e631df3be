from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
    import logging, os, sys, threading
    from wabot.system.logs import configure_logging, keep_stdout, unhandled_errors
    log = logging.getLogger("wabot.test")
"""


def run(
    *parts: str, stderr: int | None = None, check: bool = True, **environ: str
) -> subprocess.CompletedProcess[str]:
    """A process of its own for each test: logging, hooks and file descriptors belong to the whole process."""
    return subprocess.run(
        [sys.executable, "-c", "\n".join(textwrap.dedent(part) for part in (PROGRAM, *parts))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if stderr is None else stderr,
        text=True,
        timeout=60,
        check=check,
        env={**os.environ, **environ},
    )


def run_under_journal(path: Path, *parts: str) -> list[str]:
    """Run with stderr on a file that JOURNAL_STREAM names, as systemd does with its socket to the journal."""
    with path.open("w+", encoding="utf-8") as stream:
        found = os.fstat(stream.fileno())
        run(*parts, stderr=stream.fileno(), JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}")
        stream.seek(0)
        return stream.read().splitlines()


SAYS_SOMETHING = """
    log.debug("quiet")
    log.info("hello\\nsecond line")
    log.warning("careful")
    try:
        {}["x"]
    except KeyError:
        log.exception("bad")
"""


def test_every_line_of_a_record_tells_the_journal_its_priority(tmp_path: Path) -> None:
    lines = run_under_journal(tmp_path / "stderr", "configure_logging()", SAYS_SOMETHING)
    assert lines[:4] == [
        "<6>wabot.test: hello",
        "<6>    second line",
        "<4>wabot.test: careful",
        "<3>wabot.test: bad",
    ]
    assert lines[4] == "<3>    Traceback (most recent call last):"
    assert lines[-1] == "<3>    KeyError: 'x'"
    assert all(line.startswith("<3>    ") for line in lines[4:])


def test_elsewhere_a_line_has_its_time_and_no_priority() -> None:
    lines = run("configure_logging(level='DEBUG')", SAYS_SOMETHING, JOURNAL_STREAM="1:1").stderr.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z DEBUG wabot\.test: quiet", lines[0])
    assert lines[1].endswith(" INFO wabot.test: hello")
    assert lines[2] == "    second line"


def test_json_lines(tmp_path: Path) -> None:
    output = run("configure_logging(json_lines=True)", SAYS_SOMETHING, TZ="Asia/Kolkata").stderr
    records = [json.loads(line) for line in output.splitlines()]
    assert [(record["level"], record["message"]) for record in records] == [
        ("info", "hello\nsecond line"),
        ("warning", "careful"),
        ("error", "bad"),
    ]
    assert records[0]["logger"] == "wabot.test"
    assert records[0]["thread"] == "MainThread"
    assert "KeyError: 'x'" in records[2]["error"]
    assert "error" not in records[0]
    lines = run_under_journal(tmp_path / "stderr", "configure_logging(json_lines=True)", SAYS_SOMETHING)
    assert [line[:4] for line in lines] == ["<6>{", "<4>{", "<3>{"]


def test_people_and_secrets_are_masked_in_messages_and_tracebacks() -> None:
    says = """
        from wabot.system.masking import redact
        redact("sk-very-secret")
        configure_logging(level=LEVEL, json_lines=JSON)
        try:
            raise ValueError("34600111222@s.whatsapp.net with sk-very-secret")
        except ValueError:
            log.exception("to %s at %s", "+34600111222", "postgresql://bot:pa55@db/x")
        log.debug("raw 34600111222 sk-very-secret")
    """
    for json_lines in (False, True):
        output = run(f"LEVEL, JSON = 'DEBUG', {json_lines}", says).stderr
        above, below = output.rsplit("raw", 1)
        assert "34600111222" not in above
        assert "to +34…22 at postgresql://bot:***@db/x" in above
        assert "ValueError: +34…22@s.whatsapp.net with ***" in above
        assert "34600111222 ***" in below
        assert "sk-very" not in output


def test_control_characters_cannot_hide_or_forge_a_line() -> None:
    output = run(
        "configure_logging()", 'log.info("a\\x1b[2J\\r\\x85\\u2028\\u202eb\\n<0>forged\\ttab")'
    ).stderr
    assert output.splitlines()[0].endswith(r"wabot.test: a\u001b[2J\u000d\u0085\u2028\u202eb")
    assert output.splitlines()[1:] == ["    <0>forged\ttab"]


def test_a_huge_record_is_cut() -> None:
    output = run("configure_logging()", 'log.info("%s", "x" * 1_000_000)').stderr
    assert len(output) < 21_000
    assert "more characters)" in output


def test_the_client_library_gets_the_levels_it_deserves() -> None:
    says = """
        configure_logging(level=LEVEL)
        client = logging.getLogger("whatsmeow.Client")
        logging.getLogger("whatsmeow.Client.Socket").error("Error reading from websocket: EOF")
        logging.getLogger("whatsmeow.Client.Socket").warning("Error sending close to websocket: EOF")
        logging.getLogger("neonize.utils.ffmpeg").warning("ffmpeg not found -- media operations")
        client.warning("Failed to encrypt 3EB0 for 34600111222:5@s.whatsapp.net: x")
        client.warning("Handler queue is full, message ordering is no longer guaranteed")
        client.warning("Node handling is taking long for <message/> (started 30s ago)")
        logging.getLogger("Whatsmeow.Database").warning("x: database is locked (5)")
        client.warning("Ignoring message 3EB0 from x: received message with old counter")
        client.info("Successfully authenticated")
        log.warning("Error reading from websocket is what a customer wrote")
    """

    def said(level: str) -> list[str]:
        return [line.split(" ", 1)[1][:40] for line in run(f"LEVEL = {level!r}", says).stderr.splitlines()]

    errors = [
        "ERROR whatsmeow.Client: Failed to encryp",
        "ERROR whatsmeow.Client: Handler queue is",
        "ERROR Whatsmeow.Database: x: database is",
    ]
    assert said("ERROR") == errors
    assert said("INFO") == [
        *errors[:2],
        "WARNING whatsmeow.Client: Node handling ",
        errors[2],
        "WARNING whatsmeow.Client: Ignoring messa",
        "INFO whatsmeow.Client: Successfully auth",
        "WARNING wabot.test: Error reading from w",
    ]
    assert said("DEBUG")[:3] == [
        "DEBUG whatsmeow.Client.Socket: Error rea",
        "DEBUG whatsmeow.Client.Socket: Error sen",
        "DEBUG neonize.utils.ffmpeg: ffmpeg not f",
    ]


def test_a_handler_of_ones_own_sees_the_unmasked_warning_at_every_level() -> None:
    """A message the library dropped is named by a warning of it alone, so this one must come through."""
    says = """
        configure_logging(level="ERROR")
        class Names(logging.Handler):
            def emit(self, record):
                print(record.getMessage())
        logging.getLogger("whatsmeow.Client").addHandler(Names())
        logging.getLogger("whatsmeow.Client").warning("Ignoring message 3EB0 from 34600111222@s.whatsapp.net")
    """
    assert run(says).stdout == "Ignoring message 3EB0 from 34600111222@s.whatsapp.net\n"


@pytest.mark.parametrize(("level", "number"), [("DEBUG", 10), ("INFO", 20), ("WARNING", 30), ("ERROR", 30)])
def test_neonize_is_told_a_level_it_knows_and_leaves_the_root_alone(level: str, number: int) -> None:
    for order in (
        "import neonize; configure_logging(level=LEVEL)",
        "configure_logging(level=LEVEL); import neonize",
    ):
        told = run(
            f"LEVEL = {level!r}",
            order,
            "print(logging.getLogger('neonize.utils.log').level)",
            "print([type(handler.formatter).__name__ for handler in logging.root.handlers])",
        )
        assert told.stdout == f"{number}\n['TextFormatter']\n"


def test_errors_nobody_sees_are_logged_and_counted() -> None:
    says = """
        import ctypes
        configure_logging()
        @ctypes.CFUNCTYPE(None)
        def callback():
            raise ValueError("in a callback for 34600111222")
        callback()
        callback()
        def work():
            raise RuntimeError("in a thread")
        def leave():
            raise SystemExit(3)
        for target in (work, leave):
            thread = threading.Thread(target=target, name="sender")
            thread.start()
            thread.join()
        print(unhandled_errors())
    """
    done = run(says)
    assert done.stdout == "3\n"
    assert done.stderr.count("ValueError: in a callback for +34…22") == 2
    assert "Exception ignored on calling ctypes callback function" in done.stderr
    assert "ERROR wabot.system.logs: thread sender died\n" in done.stderr
    assert "RuntimeError: in a thread" in done.stderr


def test_the_watchdogs_abort_prints_the_stack_of_every_thread() -> None:
    says = """
        configure_logging()
        def stuck_sender():
            threading.Event().wait()
        threading.Thread(target=stuck_sender).start()
        os.abort()
    """
    done = run(says, check=False)
    assert done.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in done.stderr
    assert "in stuck_sender" in done.stderr


def test_what_others_print_to_stderr_is_a_line_of_json_too() -> None:
    says = """
        configure_logging(level="DEBUG", json_lines=True)
        told = threading.Semaphore(0)
        handler = logging.Handler()
        handler.emit = lambda record: told.release()
        logging.getLogger().addHandler(handler)
        os.write(2, b"Press Ctrl+C to exit\\npanic: +34600111222\\n")
        print("from Python", file=sys.stderr)
        for _ in range(3): told.acquire(timeout=20)
        os._exit(0)
    """
    records = [json.loads(line) for line in run(says).stderr.splitlines()]
    assert [(record["level"], record["message"]) for record in records] == [
        ("debug", "Press Ctrl+C to exit"), ("warning", "panic: +34…22"), ("warning", "from Python"),
    ]  # fmt: skip


def test_last_words_go_where_the_process_was_told_to_write() -> None:
    says = """
        import faulthandler
        from wabot.system.logs import crash_descriptor
        configure_logging(json_lines=True)
        faulthandler.dump_traceback(file=crash_descriptor())
        os._exit(0)
    """
    assert "most recent call first" in run(says).stderr


def test_standard_output_belongs_to_the_program_alone() -> None:
    says = """
        print("before")
        output = keep_stdout()
        print("from Python", flush=True)
        os.system("echo from C")
        os.write(1, b"from Go\\n")
        print("the answer", file=output)
        os._exit(0)
    """
    done = run(says)
    assert done.stdout == "before\nthe answer\n"
    assert done.stderr == "", "a line of the library's would be none of the log's"


def test_warnings_are_logged() -> None:
    output = run("configure_logging()", "import warnings; warnings.warn('old')").stderr
    assert " WARNING py.warnings: " in output


def test_a_process_without_stderr_can_log() -> None:
    says = """
        import io
        sys.stderr = io.StringIO()
        configure_logging(environ={"JOURNAL_STREAM": "1:2"})
        log.info("x")
        print(sys.stderr.getvalue())
    """
    assert run(says).stdout.endswith("INFO wabot.test: x\n\n")
