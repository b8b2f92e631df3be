"""One OpenAI-compatible model: asks it for the next message, in the form it takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from wabot.brain.output.answer import CallOutcome, ModelAnswer, read_answer
from wabot.brain.output.completion import Completion, ProviderError, Usage
from wabot.brain.providers.endpoint import Endpoint
from wabot.brain.providers.request import Message, RequestForm, estimate_prompt_tokens
from wabot.brain.settings import ProviderSettings
from wabot.system.http import Deadline

_MOST_ADAPTIONS = 5

log = logging.getLogger(__name__)


class Provider:
    """Asks one model. Safe to share by threads."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        url = settings.base_url.rstrip("/") + "/chat/completions"
        self._endpoint = Endpoint(settings.who, url, settings.api_key)
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
            answer = self._ask_as_it_takes_it(messages, seconds, deadline)
        if answer.outcome in (CallOutcome.ANSWER, CallOutcome.SILENCE, CallOutcome.HAND_OVER):
            usage = answer.usage or Usage(0, 0)
            return Completion(answer.reply.text, self.settings.name, usage, answer.reply.words)
        raise self._error_of(answer)

    def _ask_as_it_takes_it(
        self, messages: Sequence[Message], seconds: float, deadline: Deadline
    ) -> ModelAnswer:
        """Send the request, and again for each complaint about its form or size; a few times at most."""
        settings, form = self.settings, self._form
        for _ in range(_MOST_ADAPTIONS):
            request = form.compose(settings.model, messages, settings.max_tokens, settings.temperature)
            answer = self._post(request, estimate_prompt_tokens(messages), seconds, deadline)
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

    def _post(self, request: bytes, prompt_tokens: int, seconds: float, deadline: Deadline) -> ModelAnswer:
        """Send the request and read the answer."""
        raw, wait = self._endpoint.post(request, seconds, deadline)
        answer = read_answer(raw, prompt_tokens, bool(self.settings.api_key))
        if answer.complaint.explanation:
            # Only here: the text may quote the chat.
            log.debug("provider %s answered %d: %r", self.settings.name, raw.status, self._said(answer))
        if answer.outcome is CallOutcome.FAILED and wait is not None:
            raise self._error_of(answer, wait)
        return answer

    def _error_of(self, answer: ModelAnswer, wait: float | None = None) -> ProviderError:
        complaint, said = answer.complaint, self._said(answer)
        return ProviderError(
            self.settings.who, complaint.kind, complaint.explanation, wait, answer.usage, said
        )

    def _said(self, answer: ModelAnswer) -> str:
        return self._endpoint.without_key(answer.complaint.said)
