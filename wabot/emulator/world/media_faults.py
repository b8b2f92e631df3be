"""What is to go wrong with files: at a media host, with a blob, an upload, or the list of the hosts.

All methods may be called from any thread at any time. A fault without a number of `times` stays.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Literal, get_args

from wabot.emulator.world.media import path_of

HostFault = Literal["refused", "reset", "silent", "silent_tls"]
DownloadFault = Literal[
    "status",
    "redirect",
    "silent",
    "slow_header",
    "stalled",
    "slow",
    "truncated",
    "reset",
    "short",
    "wrong",
    "empty",
    "oversized",
    "endless",
]
UploadFault = Literal["status", "silent", "unread", "cut", "html", "empty_answer"]
ListFault = Literal["no_hosts", "no_auth"]


@dataclass(frozen=True, slots=True)
class Failure:
    """How one exchange goes wrong, and for whom.

    Attributes:
        how: the fault.
        status: what is answered with "status".
        retry_after_seconds: what is told along with the status.
        location: where "redirect" leads.
        pause_seconds: between two bytes of what comes slowly.
        host: the only host it happens at, "" for all.
        path: the only blob it happens to, "" for all.
        times: how often yet, None for always.
    """

    how: str
    status: int = 503
    retry_after_seconds: int | None = None
    location: str = ""
    pause_seconds: float = 0.2
    host: str = ""
    path: str = ""
    times: int | None = None


class MediaFaults:
    """The script of what goes wrong with files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._hosts: list[Failure] = []
        self._downloads: list[Failure] = []
        self._uploads: list[Failure] = []
        self._lists: list[Failure] = []

    def clear(self) -> None:
        """Take every fault back that has not happened yet."""
        with self._lock:
            self._forget()

    @property
    def are_left(self) -> bool:
        """Whether one that has a number of times is still to happen."""
        with self._lock:
            everything = (*self._hosts, *self._downloads, *self._uploads, *self._lists)
            return any(failure.times for failure in everything)

    def spoil_host(self, how: HostFault, *, host: str = "", times: int | None = None) -> None:
        """Let connections to a media host fail.

        "refused": the proxy answers 503; "reset": the connection is reset; "silent": the proxy never
        answers; "silent_tls": the host never answers the TLS greeting.
        """
        self._add(self._hosts, get_args(HostFault), Failure(how, host=host, times=times))

    def spoil_download(
        self,
        how: DownloadFault = "status",
        *,
        status: int = 503,
        retry_after_seconds: int | None = None,
        location: str = "",
        pause_seconds: float = 0.2,
        host: str = "",
        path: str = "",
        times: int | None = None,
    ) -> None:
        """Let downloads fail.

        "status": the answer is `status`; "redirect": 302 to `location`; "silent": no answer; "slow_header"
        and "slow": the header, or the body, comes a byte at a time; "stalled": the body stops halfway and
        the connection stays; "truncated" and "reset": it ends, or is reset, halfway through the body;
        "short": the last byte is missing, and the length says so; "wrong": one byte is another; "empty":
        nothing; "oversized": four times as much; "endless": as long as somebody reads.

        Args:
            how: see above.
            status: the status of "status".
            retry_after_seconds: what is told along with it.
            location: where "redirect" leads.
            pause_seconds: between two bytes of what comes slowly.
            host: the only host at which it happens.
            path: the only blob, as a path with or without its query.
            times: how often; always by default.
        """
        self._add(
            self._downloads,
            get_args(DownloadFault),
            Failure(how, status, retry_after_seconds, location, pause_seconds, host, path_of(path), times),
        )

    def spoil_upload(
        self, how: UploadFault = "status", *, status: int = 503, host: str = "", times: int | None = None
    ) -> None:
        """Let uploads fail.

        "status": the answer is `status`; "silent": no answer; "unread": nothing is read; "cut": the
        connection is reset before the body was taken; "html": the answer is no JSON; "empty_answer": it is,
        but says nothing.
        """
        self._add(self._uploads, get_args(UploadFault), Failure(how, status, host=host, times=times))

    def spoil_list(self, how: ListFault, *, times: int | None = None) -> None:
        """Let the list of the media hosts name none ("no_hosts"), or lack what uploads need ("no_auth").

        It is refused or ignored like any query: Faults.fail_queries and ignore_queries with "w:m".
        """
        self._add(self._lists, get_args(ListFault), Failure(how, times=times))

    def _add(self, failures: list[Failure], known: tuple[str, ...], failure: Failure) -> None:
        if failure.how not in known:
            raise ValueError(f"nothing known goes wrong that is called {failure.how!r}: {', '.join(known)}")
        with self._lock:
            failures.append(failure)

    # What the hosts ask at each step.

    def take_host(self, host: str) -> str:
        """What happens to this connection to `host`, "" for nothing."""
        failure = self._take(self._hosts, host, "")
        return failure.how if failure else ""

    def take_download(self, host: str, path: str) -> Failure | None:
        """What happens to this download, if anything."""
        return self._take(self._downloads, host, path)

    def take_upload(self, host: str) -> Failure | None:
        """What happens to this upload, if anything."""
        return self._take(self._uploads, host, "")

    def take_list(self) -> str:
        """What happens to this list of the media hosts, "" for nothing."""
        failure = self._take(self._lists, "", "")
        return failure.how if failure else ""

    def _take(self, failures: list[Failure], host: str, path: str) -> Failure | None:
        with self._lock:
            for index, failure in enumerate(failures):
                if failure.host not in ("", host) or failure.path not in ("", path):
                    continue
                if failure.times is not None and failure.times > 1:
                    failures[index] = replace(failure, times=failure.times - 1)
                elif failure.times is not None:
                    del failures[index]
                return failure
        return None
