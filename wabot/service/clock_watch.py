"""Notices that the machine's clock is set, or wrong, and says so once."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from wabot.clock import Clock, error_text
from wabot.system.files import read_json, read_plain, replace_file

log = logging.getLogger(__name__)

_CHANGE_SECONDS = 60.0
_SAVE_SECONDS = 600.0
_LARGEST_FILE_BYTES = 10_000


class ClockWatch:
    """Looks at the clock now and then; for one thread.

    Args:
        clock: the process's.
        file: from where to take what an earlier process knew, and where to keep what this one knows.

    Attributes:
        text: what is wrong with the machine's clock, for people; "" while nothing is.
    """

    def __init__(self, clock: Clock, file: Path | None = None) -> None:
        self._clock = clock
        self._file = file
        self._saved_at = float("-inf")
        self._recall()
        self._error_seconds = 0.0
        self.text = ""

    def look(self) -> bool:
        """Look; whether there is news, so that what was said of times has to be said anew."""
        step = self._clock.step_seconds()
        if step:
            direction = "forward" if step > 0 else "back"
            log.warning(
                "this machine's clock was set %s by %s; nothing waits for it",
                direction,
                timedelta(seconds=round(abs(step))),
            )
        error = self._clock.error_seconds()
        is_changed = bool(error) != bool(self.text) or abs(error - self._error_seconds) > _CHANGE_SECONDS
        if is_changed:
            self._error_seconds, self.text = error, error_text(error)
            if error:
                log.warning("%s, which counts until this one is right", self.text)
            else:
                log.info("this machine's clock agrees with WhatsApp's again")
        self._save()
        return bool(step) or is_changed

    def _recall(self) -> None:
        """The next process must not believe a clock that this one knows to be wrong."""
        if self._file is None:
            return
        try:
            boot_id, moment, uptime = read_json(read_plain(self._file, _LARGEST_FILE_BYTES), _reference_of)
            if boot_id and boot_id == _boot_id():
                self._clock.recall(moment, uptime)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.warning("%s cannot be used: %s", self._file, error)

    def _save(self) -> None:
        reference = self._clock.reference()
        now = time.monotonic()
        if self._file is None or reference is None or now - self._saved_at < _SAVE_SECONDS:
            return
        self._saved_at = now
        boot_id = _boot_id()
        if not boot_id:
            return
        moment, uptime = reference
        kept = json.dumps({"boot": boot_id, "moment": moment, "uptime": uptime})
        try:
            replace_file(self._file, kept.encode())
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error.strerror)


def _reference_of(kept: Any) -> tuple[str, float, float]:
    """The run of the machine, the moment and the uptime that a file holds."""
    return str(kept["boot"]), float(kept["moment"]), float(kept["uptime"])


def _boot_id() -> str:
    """A name of this run of the machine, whose uptime begins anew with the next; "" where nothing tells.

    The kernel's own is hidden where ProcSubset=pid is set, as in the unit. Shared memory lives as long, and
    since Linux 5.14 has a random number of its own (shmem_fill_super, mm/shmem.c); before it is always 0.
    """
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    with suppress(OSError):
        number = os.statvfs("/dev/shm").f_fsid
        return f"shm {number}" if number else ""
    return ""
