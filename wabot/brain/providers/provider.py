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

from wabot.brain.output.answer import CallOutcome, ModelAnswer, read_answer
from wabot.brain.output.body import RawAnswer
from wabot.brain.output.completion import Completion, ErrorKind, ProviderError, Usage
from wabot.brain.providers.request import Message, RequestForm, estimate_prompt_tokens
from wabot.brain.settings import ProviderSettings
from wabot.system.http import Deadline, DeadlineSession, PreparedPost, why_unreachable

_CONNECT_TIMEOUT_SECONDS = 10.0
# A stream takes some hundred bytes for each token.
_MAX_ANSWER_BYTES = 4_000_000
_MAX_ERROR_BYTES = 20_000
_MOST_ADAPTIONS = 5
_READ_BYTES = 16_384

log = logging.getLogger(__name__)


class Provider:
    """Asks one endpoint. Safe to share by threads: each keeps connections of its own, alive between calls.

    Proxies and certificates are taken from the environment, as requests does. The key goes out in the
    Authorization header and to the configured address only: redirects are refused, ~/.netrc is not consulted.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._url = settings.base_url.rstrip("/") + "/chat/completions"
        self._of_thread = threading.local()
        self._form = RequestForm()
        self._lock = threading.Lock()

    @property
    def form(self) -> RequestForm:
        """What this endpoint turned out to take."""
        return self._form

    def complete(self, messages: Sequence[Message], timeout_seconds: float) -> Completion:
        """Ask for the model's next message after `messages` (each with "role" and "content").

        The whole call takes at most the smaller of `timeout_seconds` and the provider's own timeout. An
        endpoint that refuses the form or the size of the request is asked again at once in another, and never
        in that one again.

        Raises:
            ProviderError: whatever went wrong.
        """
        seconds = min(timeout_seconds, self.settings.timeout_seconds)
        with Deadline(seconds) as deadline:
            try:
                answer = self._ask_as_it_takes_it(messages, seconds)
            except ProviderError:
                if deadline.expired:
                    raise self._timed_out(seconds) from None
                raise
            # A body without a length looks complete when the deadline cuts it.
            if deadline.expired:
                raise self._timed_out(seconds)
        if answer.outcome in (CallOutcome.ANSWER, CallOutcome.SILENCE, CallOutcome.HAND_OVER):
            usage = answer.usage or Usage(0, 0)
            return Completion(answer.reply.text, self.settings.name, usage, answer.reply.words)
        raise self._error_of(answer)

    def _ask_as_it_takes_it(self, messages: Sequence[Message], seconds: float) -> ModelAnswer:
        """Send the request, and again for each complaint about its form or size; a few times at most."""
        settings, form = self.settings, self._form
        for _ in range(_MOST_ADAPTIONS):
            request = form.compose(settings.model, messages, settings.max_tokens, settings.temperature)
            answer = self._post(request, estimate_prompt_tokens(messages), seconds)
            if answer.outcome not in (CallOutcome.LESS, CallOutcome.OTHER_FORM):
                return answer
            adapted = form.adapted(answer.complaint, messages, settings.max_tokens)
            if adapted == form:
                return answer
            self._remember(adapted.lasting(answer.complaint, settings.max_tokens))
            form = adapted
        return answer

    def _remember(self, adapted: RequestForm) -> None:
        with self._lock:
            # Another thread may have learnt something else meanwhile.
            known, self._form = self._form, self._form.joined(adapted)
        name = self.settings.name
        for refused in sorted(adapted.without - known.without):
            what = "message of the system" if refused == "system" else refused
            log.info("provider %s takes no %s; asked without from now on", name, what)
        if self._form.prompt_tokens != known.prompt_tokens:
            log.warning(
                "provider %s takes no more than about %d tokens at once: what was said earlier and facts are "
                "left out where there is no room; start it with a larger context",
                name,
                self._form.prompt_tokens,
            )

    def _post(self, request: bytes, prompt_tokens: int, seconds: float) -> ModelAnswer:
        """Send the request and read the answer.

        The errors of the libraries are not chained: their texts and locals may hold the key.
        """
        try:
            timeout = (min(_CONNECT_TIMEOUT_SECONDS, seconds), seconds)
            response = self._prepared().send(request, timeout)
            with response:
                return self._read_answer(response, prompt_tokens)
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

    def _prepared(self) -> PreparedPost:
        if not hasattr(self._of_thread, "post"):
            headers = {
                "Content-Type": "application/json",
                "Accept": "application/json",
                # A compressed megabyte can unpack to a gigabyte.
                "Accept-Encoding": "identity",
            }
            self._of_thread.post = PreparedPost(DeadlineSession(), self._url, headers, self._authorize)
        post: PreparedPost = self._of_thread.post
        return post

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.settings.api_key:
            request.headers["Authorization"] = f"Bearer {self.settings.api_key}"
        return request

    def _read_answer(self, response: requests.Response, prompt_tokens: int) -> ModelAnswer:
        status = response.status_code
        if not 200 <= status < 300 and status < 400:
            raise self._error(
                "redirected", f"it answered {status}, a redirect; put the final address in base_url"
            )
        limit, cut = (_MAX_ANSWER_BYTES, False) if status < 400 else (_MAX_ERROR_BYTES, True)
        raw = RawAnswer(
            status,
            self._read(response, limit, cut),
            response.headers.get("Content-Type", ""),
            response.headers.get("Content-Encoding", ""),
        )
        answer = read_answer(raw, prompt_tokens, bool(self.settings.api_key))
        if answer.complaint.explanation:
            # Only here: the text may quote the chat.
            log.debug("provider %s answered %d: %r", self.settings.name, status, self._said(answer))
        if status in (429, 503) or status >= 500:
            there = _time_there(response.headers.get("Date"))
            wait = _parse_retry_after(response.headers.get("Retry-After"), there)
            if answer.outcome is CallOutcome.FAILED and wait is not None:
                raise self._error_of(answer, wait)
        return answer

    def _error_of(self, answer: ModelAnswer, wait: float | None = None) -> ProviderError:
        complaint = answer.complaint
        return ProviderError(
            self.settings.name, complaint.kind, complaint.explanation, wait, answer.usage, self._said(answer)
        )

    def _said(self, answer: ModelAnswer) -> str:
        key, said = self.settings.api_key, answer.complaint.said
        return said.replace(key, "***") if key else said

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


def _time_there(date: str | None) -> float:
    """The provider's own time, in Unix seconds: this machine's clock may be wrong."""
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
