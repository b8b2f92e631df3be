"""One address that is paid for what it answers: sends it a body, and trusts nothing of what comes back."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import requests
import urllib3

from wabot.brain.output.body import RawAnswer
from wabot.brain.output.completion import ErrorKind, ProviderError
from wabot.system.http import Deadline, DeadlineSession, PreparedPost, RequestBody, why_unreachable

_CONNECT_TIMEOUT_SECONDS = 10.0
# A stream takes some hundred bytes for each token.
_MAX_ANSWER_BYTES = 4_000_000
_MAX_ERROR_BYTES = 20_000
_READ_BYTES = 16_384


class Endpoint:
    """Calls one address. Safe to share by threads: each keeps connections of its own, alive between calls.

    Proxies and certificates are taken from the environment, as requests does. The key goes out in the
    Authorization header and to the configured address only: redirects are refused, ~/.netrc is not consulted.

    Args:
        who: whose it is, as errors call it: "provider NAME".
        url: the whole address.
        api_key: a secret, "" for none.
        content_type: of what it is sent.
    """

    def __init__(self, who: str, url: str, api_key: str, content_type: str = "application/json") -> None:
        self._who = who
        self._url = url
        self._api_key = api_key
        self._headers: Mapping[str, str] = {
            "Content-Type": content_type,
            "Accept": "application/json",
            # A compressed megabyte can unpack to a gigabyte.
            "Accept-Encoding": "identity",
        }
        self._of_thread = threading.local()

    def post(self, body: RequestBody, seconds: float, deadline: Deadline) -> tuple[RawAnswer, float | None]:
        """Send a body and read the answer, which may be an error of HTTP.

        The errors of the libraries are not chained: their texts and locals may hold the key.

        Args:
            body: what to send.
            seconds: each wait for the network; the whole is bounded by the thread's deadline.
            deadline: that one.

        Returns:
            The answer, and how long it asks to be left alone; None where it does not say.

        Raises:
            ProviderError: there is no answer.
        """
        try:
            answer = self._post(body, seconds)
        except ProviderError:
            if deadline.expired:
                raise self.timed_out(seconds) from None
            raise
        # A body without a length looks complete when the deadline cuts it.
        if deadline.expired:
            raise self.timed_out(seconds)
        return answer

    def timed_out(self, seconds: float) -> ProviderError:
        """The error of an answer that did not come in time."""
        return self.error("timeout", f"no complete answer within {seconds:.3g} s")

    def error(
        self, kind: ErrorKind, explanation: str, retry_after_seconds: float | None = None
    ) -> ProviderError:
        """An error of this endpoint."""
        return ProviderError(self._who, kind, explanation, retry_after_seconds)

    def without_key(self, said: str) -> str:
        """What it said, without the key, which some repeat."""
        return said.replace(self._api_key, "***") if self._api_key else said

    def _post(self, body: RequestBody, seconds: float) -> tuple[RawAnswer, float | None]:
        try:
            timeout = (min(_CONNECT_TIMEOUT_SECONDS, seconds), seconds)
            response = self._prepared().send(body, timeout)
            with response:
                return self._read(response)
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            raise self.timed_out(seconds) from None
        except requests.ConnectionError as error:
            # requests wraps MaxRetryError of urllib3 when no connection came about, else ProtocolError.
            if error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError):
                why = why_unreachable(error.args[0])
                raise self.error("unreachable", f"no connection to it ({why})") from None
            raise self.error("dropped", "it closed the connection without an answer") from None
        except (requests.RequestException, ValueError):
            raise self.error("misconfigured", "its base_url or api_key cannot be used; check both") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise self.error("dropped", "it broke off in the middle of its answer") from None

    def _prepared(self) -> PreparedPost:
        if not hasattr(self._of_thread, "post"):
            self._of_thread.post = PreparedPost(DeadlineSession(), self._url, self._headers, self._authorize)
        post: PreparedPost = self._of_thread.post
        return post

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._api_key:
            request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request

    def _read(self, response: requests.Response) -> tuple[RawAnswer, float | None]:
        status, headers = response.status_code, response.headers
        if not 200 <= status < 300 and status < 400:
            raise self.error(
                "redirected", f"it answered {status}, a redirect; put the final address in base_url"
            )
        limit, cut = (_MAX_ANSWER_BYTES, False) if status < 400 else (_MAX_ERROR_BYTES, True)
        body = self._read_body(response, limit, cut)
        wait = _parse_retry_after(headers.get("Retry-After"), _time_there(headers.get("Date")))
        says_when = status in (429, 503) or status >= 500
        raw = RawAnswer(status, body, headers.get("Content-Type", ""), headers.get("Content-Encoding", ""))
        return raw, wait if says_when else None

    def _read_body(self, response: requests.Response, limit: int, cut: bool) -> bytes:
        body = bytearray()
        for chunk in response.raw.stream(_READ_BYTES, decode_content=False):
            body += chunk
            if len(body) > limit:
                if cut:
                    return bytes(body[:limit])
                raise self.error("too_large", f"its answer is larger than {limit} bytes")
        return bytes(body)


def _time_there(date: str | None) -> float:
    """The endpoint's own time, in Unix seconds: this machine's clock may be wrong."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return time.time()


def _parse_retry_after(value: str | None, now: float) -> float | None:
    """Read a Retry-After header, seconds or a date (RFC 9110, 10.2.3), else None; `now` is Unix time."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
