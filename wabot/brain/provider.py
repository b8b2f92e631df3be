"""One OpenAI-compatible endpoint: asks it for the next message, and trusts nothing of what it sends."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from wabot.brain.completion import Completion, UnusableCompletion, parse_completion
from wabot.brain.provider_error import ErrorKind, ProviderError
from wabot.brain.request_form import Message, compose_request, estimate_prompt_tokens, refused_parameter
from wabot.brain.settings import ProviderSettings
from wabot.http_endpoint import ConnectionLost, HttpEndpoint, NoConnection, Response, UnusableProxy

_MAX_ANSWER_BYTES = 1_000_000
_MAX_ERROR_BYTES = 2_000

log = logging.getLogger(__name__)


class _ParameterRefused(Exception):
    """The endpoint answered 400 to something that the request can do without."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class Provider:
    """Asks one endpoint. Safe to share by threads: each keeps connections of its own, alive between calls.

    The key goes out in the Authorization header and to the configured address only: redirects are refused.
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
        ends_at = time.monotonic() + seconds
        try:
            body = self._post_as_it_takes_it(messages, ends_at)
        except TimeoutError:
            raise self._error("timeout", f"no complete answer within {seconds:.3g} s") from None
        try:
            return parse_completion(body, self.settings.name, prompt_tokens)
        except UnusableCompletion as error:
            raise ProviderError(self.settings.name, error.kind, str(error), usage=error.usage) from None

    def _post_as_it_takes_it(self, messages: Sequence[Message], ends_at: float) -> bytes:
        """Send the request, and once more for each parameter that is refused: twice more at most."""
        settings, refused = self.settings, self._refused
        while True:
            request = compose_request(
                settings.model, messages, settings.max_tokens, settings.temperature, refused
            )
            try:
                return self._post(request, ends_at)
            except _ParameterRefused as error:
                if error.parameter in refused:
                    raise self._rejected(400) from None
                refused |= {error.parameter}
                if not refused <= self._refused:
                    log.info("provider %s takes no %s; asked without from now on", settings.name, error)
                # Another thread may have learnt something else meanwhile.
                self._refused = refused = refused | self._refused

    def _post(self, request: bytes, ends_at: float) -> bytes:
        """Send the request and return the body of a successful answer.

        The errors behind these are not chained: their texts and locals may hold the key.

        Raises:
            TimeoutError: it did not come in time.
            ProviderError: there is none.
        """
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            # A compressed megabyte can unpack to a gigabyte.
            "Accept-Encoding": "identity",
        }
        if self.settings.api_key:
            headers["Authorization"] = f"Bearer {self.settings.api_key}"
        try:
            response = self._endpoint().call("POST", headers, request, ends_at, _most_bytes)
        except NoConnection as error:
            raise self._error("unreachable", f"no connection to it ({error})") from None
        except ConnectionLost as error:
            if error.answering:
                raise self._error("dropped", "it broke off in the middle of its answer") from None
            raise self._error("dropped", "it closed the connection without an answer") from None
        except UnusableProxy as error:
            raise self._error("misconfigured", str(error)) from None
        except ValueError:
            raise self._error("misconfigured", "its base_url or api_key cannot be used; check both") from None
        self._check_status(response)
        if response.is_cut:
            raise self._error("too_large", f"its answer is larger than {_MAX_ANSWER_BYTES} bytes")
        return response.body

    def _endpoint(self) -> HttpEndpoint:
        if not hasattr(self._of_thread, "endpoint"):
            self._of_thread.endpoint = HttpEndpoint(self._url)
        endpoint: HttpEndpoint = self._of_thread.endpoint
        return endpoint

    def _check_status(self, response: Response) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        if status == 400 or (status > 400 and log.isEnabledFor(logging.DEBUG)):
            # Only here: the text may quote the chat, or the key.
            text = response.body.decode("utf-8", errors="replace")
            if self.settings.api_key:
                text = text.replace(self.settings.api_key, "***")
            log.debug("provider %s answered %d: %r", self.settings.name, status, text)
            if status == 400 and (refused := refused_parameter(response.body)):
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

    def _error(self, kind: ErrorKind, explanation: str, wait: float | None = None) -> ProviderError:
        return ProviderError(self.settings.name, kind, explanation, wait)


def _most_bytes(status: int) -> int:
    """How much of an answer is read: of an error as little as can be, for the next provider waits."""
    if 200 <= status < 300:
        return _MAX_ANSWER_BYTES
    return _MAX_ERROR_BYTES if status == 400 or (status > 400 and log.isEnabledFor(logging.DEBUG)) else 0


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
