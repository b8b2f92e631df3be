"""Lets things go wrong with files in a soak: at the media hosts, and by kills while a file is under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, get_args

from wabot.emulator.server.emulator import Emulator
from wabot.emulator.world.media_faults import DownloadFault, HostFault, MediaFaults, UploadFault
from wabot.trials.peers.model_server import Handler, ModelServer
from wabot.trials.soak.model import PICTURE
from wabot.trials.soak.plan import Trouble

_DOWNLOAD_FAULTS: tuple[DownloadFault, ...] = get_args(DownloadFault)
_HOST_FAULTS: tuple[HostFault, ...] = get_args(HostFault)
# Not those that hang: an upload is given two minutes, and the trial has not many of those.
_UPLOAD_FAULTS: tuple[UploadFault, ...] = ("status", "cut", "html", "empty_answer")
_STATUSES = (400, 401, 403, 404, 410, 429, 500, 503, 507)
_SILENCE_FACTOR = 3
_LONGEST_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.01
_LONGEST_DELAY_SECONDS = 0.06
_DELAYS = 30
_ENDS_BEFORE_IT_IS_HEARD = 4


class FileTroubles:
    """Carries the troubles with files out.

    Args:
        emulator: the service, with its media hosts.
        transcriber: asked by the bot what it hears.
        kill: ends the bot at once.
        let_write: lets a customer do what is named, with a question of its own, perhaps about something.
        is_calm: whether the bot is through with what the last kill broke off.
    """

    def __init__(
        self,
        emulator: Emulator,
        transcriber: ModelServer,
        kill: Callable[[], None],
        let_write: Callable[..., None],
        is_calm: Callable[[], bool],
    ) -> None:
        self._is_calm = is_calm
        self._media = emulator.media
        self._faults = emulator.faults.media
        self._transcriber = transcriber
        self._kill = kill
        self._let_write = let_write

    def make(self, trouble: Trouble) -> None:
        """Let it happen; returns when it is over, where it lasts."""
        match trouble.fault:
            case "media-host":
                spoil(self._faults, trouble.choice)
                time.sleep(_SILENCE_FACTOR * trouble.seconds)
                self._faults.clear()
            case "lost-file":
                self._let_write(trouble, "lost file")
            case "fetch-kill":
                _wait_until(self._is_calm)
                self._faults.spoil_download("stalled", times=1)
                self._let_write(trouble, "voice")
                _wait_until(lambda: not self._faults.are_left)
                time.sleep(_delay_seconds(trouble))
                self._kill()
                self._faults.clear()
            case "heard-kill":
                self._kill_when_heard(trouble)
            case "upload-kill":
                _wait_until(self._is_calm)
                uploads = self._uploads()
                self._let_write(trouble, "text", f"Y {PICTURE}.")
                _wait_until(lambda: self._uploads() > uploads)
                time.sleep(_delay_seconds(trouble))
                self._kill()

    def _kill_when_heard(self, trouble: Trouble) -> None:
        """Kill the bot before it is told what was heard, or more often just after."""
        well, is_asked = self._transcriber.default, threading.Event()

        def tell(handler: Handler, body: dict[str, Any]) -> None:
            self._transcriber.default = well
            if trouble.choice % _ENDS_BEFORE_IT_IS_HEARD:
                well(handler, body)
            is_asked.set()

        _wait_until(self._is_calm)
        self._transcriber.default = tell
        self._let_write(trouble, "voice")
        if is_asked.wait(_LONGEST_WAIT_SECONDS):
            time.sleep(_delay_seconds(trouble))
        self._kill()
        self._transcriber.default = well

    def _uploads(self) -> int:
        return sum(request.method == "POST" for request in self._media.requests)


def spoil(faults: MediaFaults, choice: int) -> None:
    """Let the media hosts fail in one of all the ways; downloads most often, of which there are most."""
    status = _STATUSES[choice % len(_STATUSES)]
    match choice % 10:
        case 0 | 1:
            faults.spoil_host(_HOST_FAULTS[choice // 10 % len(_HOST_FAULTS)])
        case 2 | 3:
            faults.spoil_upload(_UPLOAD_FAULTS[choice // 10 % len(_UPLOAD_FAULTS)], status=status)
        case 4:
            faults.spoil_list("no_auth")
        case _:
            faults.spoil_download(_DOWNLOAD_FAULTS[choice // 10 % len(_DOWNLOAD_FAULTS)], status=status)


def _delay_seconds(trouble: Trouble) -> float:
    return trouble.choice % _DELAYS * _LONGEST_DELAY_SECONDS / _DELAYS


def _wait_until(reached: Callable[[], bool]) -> None:
    """Wait for what a link that is down, say, may keep from happening."""
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while not reached() and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
