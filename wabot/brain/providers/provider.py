"""One OpenAI-compatible model: asks it for the next message, in the form it takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

from wabot.brain.output.answer import CallOutcome, ModelAnswer, read_answer
from wabot.brain.output.complaints import SYSTEM_ROLE, Complaint
from wabot.brain.output.completion import Completion, ProviderError, Usage
from wabot.brain.providers.endpoint import Endpoint
from wabot.brain.providers.request import PICTURES, Message, RequestForm, estimate_prompt_tokens
from wabot.brain.settings import ProviderSettings
from wabot.system.http import Deadline

_MOST_ADAPTIONS = 7
_GOOD = (CallOutcome.ANSWER, CallOutcome.SILENCE, CallOutcome.HAND_OVER)
# What models without eyes answer to a picture, and gateways that have none with eyes.
_PICTURE_REFUSED = frozenset({400, 404, 413, 415, 422, 500})

log = logging.getLogger(__name__)


class Provider:
    """Asks one model. Safe to share by threads."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        url = settings.base_url.rstrip("/") + "/chat/completions"
        self._endpoint = Endpoint(settings.who, url, settings.api_key)
        self._form = RequestForm(frozenset({PICTURES} if settings.vision is False else ()))
        self._has_seen = False
        self._lock = threading.Lock()

    @property
    def form(self) -> RequestForm:
        """What this endpoint turned out to take."""
        return self._form

    def complete(self, messages: Sequence[Message], timeout_seconds: float) -> Completion:
        """Ask for the model's next message after `messages` (each with "role" and "content").

        The whole call takes at most the smaller of `timeout_seconds` and the provider's own timeout. An
        endpoint that refuses the form or the size of the request, or its pictures, is asked again at once in
        another, and never in that one again.

        Raises:
            ProviderError: whatever went wrong.
        """
        seconds = min(timeout_seconds, self.settings.timeout_seconds)
        with Deadline(seconds) as deadline:
            answer, shown = self._ask_as_it_takes_it(messages, seconds, deadline)
        if answer.outcome in _GOOD:
            usage, reply = answer.usage or Usage(0, 0), answer.reply
            return Completion(reply.text, self.settings.name, usage, reply.words, shown, reply.note)
        raise self._error_of(answer)

    def _ask_as_it_takes_it(
        self, messages: Sequence[Message], seconds: float, deadline: Deadline
    ) -> tuple[ModelAnswer, int]:
        """Send the request, and again for each complaint about its form or size; a few times at most.

        Returns:
            The last answer, and how many pictures the model was shown.
        """
        settings, form, refusal = self.settings, self._form, None
        for _ in range(_MOST_ADAPTIONS):
            request, shown = form.compose(settings.model, messages, settings.max_tokens, settings.temperature)
            status, answer, wait = self._post(request, estimate_prompt_tokens(messages), seconds, deadline)
            if shown and status in _PICTURE_REFUSED and not _is_about_a_parameter(answer.complaint):
                refusal = (status, answer.complaint)
                form = form.with_fewer_pictures(shown, status)
                continue
            if answer.outcome is CallOutcome.FAILED and wait is not None:
                raise self._error_of(answer, wait)
            if answer.outcome not in (CallOutcome.LESS, CallOutcome.OTHER_FORM):
                break
            adapted = form.adapted(answer.complaint, messages, settings.max_tokens)
            if adapted == form:
                break
            lasting = adapted.lasting(answer.complaint, settings.max_tokens)
            if refusal is None:
                self._remember(lasting)
            else:
                # It complains without pictures as well, so it was not known to mean them.
                refusal = None
                self._remember(replace(lasting, without=lasting.without - {PICTURES}))
                if answer.outcome is CallOutcome.OTHER_FORM:
                    adapted = self._form
            form = adapted
        if answer.outcome in _GOOD:
            self._note_eyes(shown, *(refusal or (0, None)))
        return answer, shown

    def _note_eyes(self, shown: int, status: int, refusal: Complaint | None) -> None:
        """Remember whether the model sees, from what it answered to.

        One that has seen once is not taken for blind: what it refused then was that picture.

        Args:
            shown: how many pictures it answered to.
            status, refusal: how it refused more.
        """
        if shown:
            self._has_seen = True
            return
        if refusal is None or self.settings.vision is not None or self._has_seen:
            return
        # A filter or a full window says nothing of its eyes.
        if refusal.kind != "refused" and (refusal.kind != "too_long" or status == 413):
            self._remember(RequestForm(frozenset({PICTURES})))

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

    def _post(
        self, request: bytes, prompt_tokens: int, seconds: float, deadline: Deadline
    ) -> tuple[int, ModelAnswer, float | None]:
        """Send the request and read the answer: its status, what it says, and how long it asks to wait."""
        raw, wait = self._endpoint.post(request, seconds, deadline)
        answer = read_answer(raw, prompt_tokens, bool(self.settings.api_key))
        if answer.complaint.explanation:
            # Only here: the text may quote the chat.
            log.debug("provider %s answered %d: %r", self.settings.name, raw.status, self._said(answer))
        return raw.status, answer, wait

    def _error_of(self, answer: ModelAnswer, wait: float | None = None) -> ProviderError:
        complaint, said = answer.complaint, self._said(answer)
        return ProviderError(
            self.settings.who, complaint.kind, complaint.explanation, wait, answer.usage, said
        )

    def _said(self, answer: ModelAnswer) -> str:
        return self._endpoint.without_key(answer.complaint.said)


def _is_about_a_parameter(complaint: Complaint) -> bool:
    """Whether it names what it does not take, and that is no picture: it says so of each in turn."""
    return complaint.without not in ("", SYSTEM_ROLE)
