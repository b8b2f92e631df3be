"""The request as one endpoint takes it: what it refused is said otherwise or left out from then on. Pure.

OpenAI's reasoning models and all since GPT-5 refuse `max_tokens` for `max_completion_tokens`, and many take
no `temperature` but their own. They answer 400 with {"error": {"param": "max_tokens", "code":
"unsupported_parameter", "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use
'max_completion_tokens' instead."}}, or "Unsupported value: 'temperature' does not support 0.7 with this
model." with the code "unsupported_value"; one complaint at a time. Gateways pass the message on, but not
always the rest. Everyone else knows `max_tokens`, and not everyone the new name: the old one is tried first.

The chat templates of Gemma and the older ones of Mistral know no message of the system, which then goes into
the first turn. A model takes no more tokens at once than its window holds, or than it was started with.

Pictures go with a message as further parts of its content. Models without eyes refuse that in words of their
own, with 400, 413, 422 or 500: whoever answers once they are left out is taken to have none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wabot.brain.conversation import estimate_tokens
from wabot.brain.output.complaints import SYSTEM_ROLE, Complaint
from wabot.brain.pictures import MOST_PICTURES, TOKENS, Picture, data_urls
from wabot.brain.providers.prompt_size import fitted

Message = Mapping[str, Any]
"""One of a chat: "role" and "content", as the endpoints take them, and "pictures" where any go with it."""

PICTURES = "pictures"
"""Pictures are among what an endpoint does not take."""
NOT_SHOWN = "[image, not shown]"

_FEWEST_PROMPT_TOKENS = 200
_FEWEST_ANSWER_TOKENS = 64
# What is counted here is an estimate, and a template adds to it.
_SAFE_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What is known of an endpoint.

    Attributes:
        without: the parameters, the role of a message, and the parts of one, that it does not take.
        prompt_tokens: how many it takes at once, as they are estimated here; 0 = no limit is known.
        answer_tokens: the longest answer that leaves room for a question; 0 = as configured.
        most_pictures: of how many it is shown the newest.
    """

    without: frozenset[str] = frozenset()
    prompt_tokens: int = 0
    answer_tokens: int = 0
    most_pictures: int = MOST_PICTURES

    def compose(
        self, model: str, messages: Sequence[Message], max_tokens: int, temperature: float
    ) -> tuple[bytes, int]:
        """The body of the call, and how many pictures it shows."""
        said = [self._with_pictures(message) for message in self.arranged(messages)]
        shown = sum(len(message["content"]) - 1 for message in said if isinstance(message["content"], list))
        request: dict[str, Any] = {"model": model, "messages": said}
        longest = min(max_tokens, self.answer_tokens or max_tokens)
        request["max_completion_tokens" if "max_tokens" in self.without else "max_tokens"] = longest
        if "temperature" not in self.without:
            request["temperature"] = temperature
        request["stream"] = False
        return json.dumps(request).encode("ascii"), shown

    def arranged(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as the endpoint takes them."""
        shorter = fitted(messages, self.prompt_tokens) if self.prompt_tokens else list(messages)
        if SYSTEM_ROLE not in self.without or not shorter or shorter[0]["role"] != "system":
            return shorter
        system, *turns = shorter
        first, *others = turns or [{"role": "user", "content": ""}]
        return [{**first, "content": f"{system['content']}\n\n{first['content']}".strip()}, *others]

    def with_fewer_pictures(self, shown: int, status: int) -> RequestForm:
        """The form for what was refused with pictures: of several that were too large the newest, else none.

        Args:
            shown: how many there were.
            status: of HTTP.
        """
        if status == 413 and shown > 1:
            return replace(self, most_pictures=1)
        return replace(self, without=self.without | {PICTURES})

    def _with_pictures(self, message: Message) -> Mapping[str, Any]:
        pictures: Sequence[Picture] = message.get(PICTURES, ())
        if not pictures:
            return message
        most = 0 if PICTURES in self.without else self.most_pictures
        urls = data_urls(pictures, most) if most else [None] * len(pictures)
        text = "\n".join([message["content"], *(NOT_SHOWN for url in urls if url is None)])
        if not any(urls):
            return {"role": message["role"], "content": text}
        parts = [{"type": "image_url", "image_url": {"url": url, "detail": "auto"}} for url in urls if url]
        return {"role": message["role"], "content": [{"type": "text", "text": text}, *parts]}

    def adapted(self, complaint: Complaint, messages: Sequence[Message], max_tokens: int) -> RequestForm:
        """The form that avoids what the endpoint complained of; the same when there is none.

        Args:
            complaint: what it complained of.
            messages: what was to be said.
            max_tokens: the longest answer, as it was asked for.
        """
        if complaint.without:
            return replace(self, without=self.without | {complaint.without})
        if complaint.kind != "too_long":
            return self
        sent = estimate_prompt_tokens(self.arranged(messages))
        answer = min(max_tokens, self.answer_tokens or max_tokens)
        limit = complaint.limit_tokens
        if limit and answer > limit / 2:
            answer = max(_FEWEST_ANSWER_TOKENS, limit // 4)
        # Where it is said how many tokens these really are, others are estimated by that.
        truth = sent / complaint.sent_tokens if limit and complaint.sent_tokens else 1.0
        room = int((limit - answer) * min(truth, 1.0) * _SAFE_SHARE) if limit else sent // 2
        if room >= sent:
            room = sent * 2 // 3
        room = max(room, _FEWEST_PROMPT_TOKENS)
        if (room, answer) == (self.prompt_tokens, self.answer_tokens or max_tokens):
            return self
        return replace(self, prompt_tokens=room, answer_tokens=answer if answer < max_tokens else 0)

    def lasting(self, complaint: Complaint, max_tokens: int) -> RequestForm:
        """What of `adapted` to remember: one odd text must not make those of others short."""
        if not complaint.limit_tokens:
            return self
        room = complaint.limit_tokens - (self.answer_tokens or max_tokens)
        return replace(self, prompt_tokens=max(self.prompt_tokens, int(room * _SAFE_SHARE)))

    def joined(self, other: RequestForm) -> RequestForm:
        """What both know."""
        return RequestForm(
            self.without | other.without,
            _less(self.prompt_tokens, other.prompt_tokens),
            _less(self.answer_tokens, other.answer_tokens),
        )


def estimate_prompt_tokens(messages: Sequence[Message]) -> int:
    """Estimate how many tokens a model counts for all of these messages."""
    return sum(estimate_tokens(message["content"]) for message in messages) + TOKENS * min(
        len(pictures_of(messages)), MOST_PICTURES
    )


def pictures_of(messages: Sequence[Message]) -> list[Picture]:
    """The pictures that go with these messages."""
    return [picture for message in messages for picture in message.get(PICTURES, ())]


def _less(one: int, other: int) -> int:
    return min(one or other, other or one)
