"""One OpenAI-compatible endpoint: asks it for the next message, and trusts nothing of what it sends."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import requests
import urllib3

from wabot.brain.completion import Completion, UnusableCompletion, parse_completion
from wabot.brain.http_deadline import Deadline, DeadlineSession
from wabot.brain.provider_error import ErrorKind, ProviderError
from wabot.brain.request_form import Message, compose_request, estimate_prompt_tokens, refused_parameter
from wabot.brain.settings import ProviderSettings
from wabot.unreachable import why_unreachable

_CONNECT_TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 1_000_000
_MAX_ERROR_BYTES = 2_000
_READ_BYTES = 16_384

log = logging.getLogger(__name__)


class _ParameterRefused(Exception):
    """The endpoint answered 400 to something that the request can do without."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class Provider:
    """Asks one endpoint. Safe to share by threads: each keeps connections of its own, alive between calls.

    Proxies and certificates are taken from the environment, as requests does. The key goes out in the
    Authorization header and to the configured address only: redirects are refused, ~/.netrc is not consulted.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._url = settings.base_url.rstrip("/") + "/chat/completions"
        self._of_thread = threading.local()
        self._refused: frozenset[str] = frozenset()

    def complete(self, messages: Sequence[Message], timeout_seconds: float) -> Completion:
        """Return the model's next message after `messages` (each with "role" and "content").

        The whole call takes at most the smaller of `timeout_seconds` and the provider's own timeout. An
        endpoint that refuses a parameter is asked again at once without it, and never with it again.

        Raises:
            ProviderError: whatever went wrong.
        """
        seconds = min(timeout_seconds, self.settings.timeout_seconds)
        prompt_tokens = estimate_prompt_tokens(messages)
        with Deadline(seconds) as deadline:
            try:
                body = self._post_as_it_takes_it(messages, seconds)
            except ProviderError:
                if deadline.expired:
                    raise self._timed_out(seconds) from None
                raise
            # A body without a length looks complete when the deadline cuts it.
            if deadline.expired:
                raise self._timed_out(seconds)
        try:
            return parse_completion(body, self.settings.name, prompt_tokens)
        except UnusableCompletion as error:
            raise ProviderError(self.settings.name, error.kind, str(error), usage=error.usage) from None

    def _post_as_it_takes_it(self, messages: Sequence[Message], seconds: float) -> bytes:
        """Send the request, and once more for each parameter that is refused: twice more at most."""
        settings, refused = self.settings, self._refused
        while True:
            request = compose_request(
                settings.model, messages, settings.max_tokens, settings.temperature, refused
            )
            try:
                return self._post(request, seconds)
            except _ParameterRefused as error:
                if error.parameter in refused:
                    raise self._rejected(400) from None
                refused |= {error.parameter}
                if not refused <= self._refused:
                    log.info("provider %s takes no %s; asked without from now on", settings.name, error)
                # Another thread may have learnt something else meanwhile.
                self._refused = refused = refused | self._refused

    def _post(self, request: bytes, seconds: float) -> bytes:
        """Send the request and return the body of a successful answer.

        The errors of the libraries are not chained: their texts and locals may hold the key.
        """
        try:
            response = self._session().post(
                self._url,
                data=request,
                headers={
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    # A compressed megabyte can unpack to a gigabyte.
                    "Accept-Encoding": "identity",
                },
                auth=self._authorize,
                timeout=(min(_CONNECT_TIMEOUT_SECONDS, seconds), seconds),
                stream=True,
                allow_redirects=False,
            )
            with response:
                self._check_status(response)
                return self._read(response, _MAX_ANSWER_BYTES)
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            raise self._timed_out(seconds) from None
        except requests.ConnectionError as error:
            # requests wraps MaxRetryError of urllib3 when no connection came about, else ProtocolError.
            if error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError):
                why = why_unreachable(error.args[0])
                raise self._error("unreachable", f"no connection to it ({why})") from None
            raise self._error("dropped", "it closed the connection without an answer") from None
        except (requests.RequestException, ValueError):
            raise self._error("misconfigured", "its base_url or api_key cannot be used; check both") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise self._error("dropped", "it broke off in the middle of its answer") from None

    def _session(self) -> DeadlineSession:
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = DeadlineSession()
        session: DeadlineSession = self._of_thread.session
        return session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.settings.api_key:
            request.headers["Authorization"] = f"Bearer {self.settings.api_key}"
        return request

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if status == 400 or (status > 400 and log.isEnabledFor(logging.DEBUG)):
            body = self._read(response, _MAX_ERROR_BYTES, cut=True)
            # Only here: the text may quote the chat, or the key.
            text = body.decode("utf-8", errors="replace")
            if self.settings.api_key:
                text = text.replace(self.settings.api_key, "***")
            log.debug("provider %s answered %d: %r", self.settings.name, status, text)
            if status == 400 and (refused := refused_parameter(body)):
                raise _ParameterRefused(refused)
        wait = _parse_retry_after(response.headers.get("Retry-After"), time.time())
        if status < 400:
            advice = "put the final address in base_url"
            raise self._error("redirected", f"it answered {status}, a redirect; {advice}")
        if status in (401, 403):
            raise self._error("unauthorized", f"it answered {status}: check its api_key")
        if status == 429:
            raise self._error("rate_limited", "it answered 429: too many requests, or no credit left", wait)
        if status >= 500:
            raise self._error("unavailable", f"it answered {status}", wait)
        raise self._rejected(status)

    def _rejected(self, status: int) -> ProviderError:
        return self._error("rejected", f"it answered {status}: check its base_url and model")

    def _read(self, response: requests.Response, limit: int, cut: bool = False) -> bytes:
        body = bytearray()
        for chunk in response.raw.stream(_READ_BYTES, decode_content=False):
            body += chunk
            if len(body) > limit:
                if cut:
                    return bytes(body[:limit])
                raise self._error("too_large", f"its answer is larger than {limit} bytes")
        return bytes(body)

    def _timed_out(self, seconds: float) -> ProviderError:
        return self._error("timeout", f"no complete answer within {seconds:.3g} s")

    def _error(self, kind: ErrorKind, explanation: str, wait: float | None = None) -> ProviderError:
        return ProviderError(self.settings.name, kind, explanation, wait)


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
