"""Where log lines go, how they look, and what must never stand in them.

Convention for everybody who logs: message texts never above DEBUG. Phone numbers above DEBUG, and secrets at
any level, are taken out here.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from wabot.system.masking import mask_numbers, mask_secrets

_log = logging.getLogger(__name__)

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_SYSLOG_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_LONGEST_RECORD = 20_000
# journald shows a line with control characters as "[60B blob data]", and a terminal may obey them. The later
# ones break the line in some programs and turn the reading direction in others.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# What the client library says too loudly or too softly; the sentences are of the whatsmeow in neonize 0.5.2.
_LIBRARY_LOGGERS = ("neonize", "whatsmeow", "Whatsmeow")
# Each from the first letter of the line: what a stranger wrote may stand further back in it.
_LIBRARY_LEVELS = {
    # at every stop, at every drop, and once where ffmpeg is missing: nothing anybody could do about
    re.compile("Error sending close to websocket"): logging.DEBUG,
    re.compile("Error reading from websocket"): logging.DEBUG,
    re.compile("(?:neonize: )?ffmpeg (?:and ffprobe )?not found"): logging.DEBUG,
    re.compile(r"Press Ctrl\+C to exit"): logging.DEBUG,
    # messages are being lost or about to be
    re.compile(r".{0,2000}\bdatabase is locked"): logging.ERROR,
    re.compile("Handler queue is full"): logging.ERROR,
    re.compile("Failed to encrypt"): logging.ERROR,
    re.compile("Node handling is taking long"): logging.WARNING,
}


_TIMED = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_UNTIMED = "%(name)s: %(message)s"
_TYPED = "wabot: %(message)s"


def configure_logging(
    *,
    level: str = "INFO",
    json_lines: bool = False,
    at_terminal: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Send every log record of the process to stderr, in the form its reader wants.

    Under systemd's journal each line carries its priority, elsewhere the time. Errors that no caller sees, in
    threads and in callbacks from C, are logged and counted. A fatal signal prints the stacks of all threads.

    Args:
        level: one of LEVELS.
        json_lines: one JSON object a record.
        at_terminal: for somebody who typed a command: what happened, without when and in which module.
        environ: the process environment.
    """
    stream = _stderr_of_the_log() if json_lines else sys.stderr
    handler = logging.StreamHandler(stream)
    formatter: logging.Formatter = (
        JsonFormatter() if json_lines else TextFormatter(_TYPED if at_terminal else _TIMED)
    )
    handler.setFormatter(formatter)
    if _is_journal(stream, environ):
        handler.setFormatter(JournalFormatter(formatter if json_lines else TextFormatter(_UNTIMED)))
    number = logging.getLevelNamesMapping()[level]
    handler.addFilter(_LibraryLevelFilter(number))
    # force: importing neonize calls basicConfig, and it may have been imported before.
    logging.basicConfig(level=number, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # No line says where in the source it was written, so nobody has to look.
    # https://docs.python.org/3.11/howto/logging.html#optimization
    logging._srcfile = None
    # neonize 0.5.2 tells its Go half the level of this logger when it connects; at level 0 each stanza comes
    # over to Python. Warnings come always: some are the only trace of a lost message.
    for name in ("neonize.utils.log", "whatsmeow", "Whatsmeow"):
        logging.getLogger(name).setLevel(min(number, logging.WARNING))
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread_failed
    faulthandler.enable(file=crash_descriptor())


def keep_stdout() -> TextIO:
    """Keep standard output for the program's own answers, and lead file descriptor 1 nowhere.

    The client library may print there, which would tear a QR code.

    Returns:
        the former standard output, line-buffered.
    """
    sys.stdout.flush()
    output = open(os.dup(1), "w", encoding="utf-8", buffering=1)  # noqa: SIM115, PTH123 - a descriptor
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return output


def crash_descriptor() -> int:
    """The file descriptor for last words: standard error as the process was given it."""
    return 2 if _log_stream is None else _log_stream.fileno()


_log_stream: TextIO | None = None


def _stderr_of_the_log() -> TextIO:
    """Keep standard error for the log, and make a record of each line that comes to file descriptor 2.

    The client library prints "Press Ctrl+C to exit" there (neonize 0.5.2), and Go what it panics about.
    """
    global _log_stream
    if _log_stream is None:
        sys.stderr.flush()
        _log_stream = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        reading, writing = os.pipe()
        os.dup2(writing, 2)
        os.close(writing)
        threading.Thread(target=_log_lines, args=(reading,), name="stderr", daemon=True).start()
    return _log_stream


def _log_lines(descriptor: int) -> None:
    printed = logging.getLogger("neonize.stderr")
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            printed.warning("%s", line.rstrip("\n"))


def unhandled_errors() -> int:
    """How many exceptions reached nobody since the start: neonize swallows those of its callbacks."""
    return _unhandled_errors


class TextFormatter(logging.Formatter):
    """Lines for people; what continues a record is indented, so that it cannot pass for another record."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """The time of the record in UTC, to the millisecond, whatever the machine's zone is."""
        return _time(record)

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines, masked."""
        return _clean(super().format(record), record).replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, thread, message and, where there is one, error."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, masked."""
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": _clean(record.getMessage(), record),
        }
        if record.exc_info:
            fields["error"] = _clean(self.formatException(record.exc_info), record)
        return json.dumps(fields, ensure_ascii=False)


class JournalFormatter(logging.Formatter):
    """Puts the syslog priority before every line: journald reads it from each line alone (sd-daemon(3)).

    Args:
        inner: makes the lines.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines, each with its priority."""
        prefix = f"<{_SYSLOG_PRIORITIES.get(record.levelno, 5)}>"
        return "\n".join(prefix + line for line in self._inner.format(record).split("\n"))


class _LibraryLevelFilter(logging.Filter):
    """Gives the client library's records the level they deserve, and lets through what reaches `least`."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self._least = least

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] in _LIBRARY_LOGGERS:
            message = record.getMessage()
            for line, level in _LIBRARY_LEVELS.items():
                if line.match(message):
                    record.levelno, record.levelname = level, logging.getLevelName(level)
        return record.levelno >= self._least


def _clean(text: str, record: logging.LogRecord) -> str:
    text = mask_secrets(text)
    if len(text) > _LONGEST_RECORD:
        text = f"{text[:_LONGEST_RECORD]}… ({len(text) - _LONGEST_RECORD} more characters)"
    if record.levelno > logging.DEBUG:
        text = mask_numbers(text)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether systemd connected `stream` to the journal: JOURNAL_STREAM names its device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


_unhandled_errors = 0
# Reentrant: the collector may call the hook at any point, also inside the hook.
_counting = threading.RLock()


def _count() -> None:
    global _unhandled_errors
    with _counting:
        _unhandled_errors += 1


def _unraisable(unraisable: Any) -> None:
    _count()
    error = unraisable.exc_value
    _log.error(
        "%s %r",
        unraisable.err_msg or "an exception was ignored in",
        unraisable.object,
        exc_info=(unraisable.exc_type, error, unraisable.exc_traceback),
    )


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_type is SystemExit or failure.exc_value is None:
        return
    _count()
    _log.error(
        "thread %s died",
        failure.thread.name if failure.thread else "?",
        exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback),
    )
