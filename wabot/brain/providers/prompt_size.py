"""Makes a prompt shorter: first what was said long ago goes, then the facts that fit least. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wabot.brain.conversation import estimate_tokens

FACTS_BEGIN, FACTS_END = "<facts>\n", "\n</facts>"
#: Before each passage among the facts.
PASSAGE_BEGIN = "# "
_BETWEEN = f"\n\n{PASSAGE_BEGIN}"


def fitted(messages: Sequence[Mapping[str, Any]], max_tokens: int) -> list[Mapping[str, Any]]:
    """The messages of a prompt with at most so many tokens, as they are estimated here.

    What the customer asks last stays, and the persona and the rules; so it may still be too much.
    """
    kept = list(messages)
    system = kept.pop(0) if kept and kept[0]["role"] == "system" else None
    room = max_tokens - (estimate_tokens(system["content"]) if system else 0)
    while len(kept) > 1 and _tokens(kept) > room:
        kept.pop(0)
        # The first turn is the customer's, for servers that insist on it.
        while len(kept) > 1 and kept[0]["role"] != "user":
            kept.pop(0)
    content = system["content"] if system else ""
    while system and _tokens(kept) + estimate_tokens(content) > max_tokens:
        shorter = _without_last_passage(content)
        if shorter == content:
            break
        content = shorter
    room = max_tokens - (estimate_tokens(content) if system else 0)
    if kept and _tokens(kept) > room > 0:
        # One character is at most one token.
        last = kept[-1]
        kept[-1] = {**last, "content": last["content"][: max(room, 100)]}
    return [{**system, "content": content}, *kept] if system else kept


def _tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    return sum(estimate_tokens(message["content"]) for message in messages)


def _without_last_passage(system: str) -> str:
    begin, end = system.find(FACTS_BEGIN), system.rfind(FACTS_END)
    if begin < 0 or end < 0:
        return system
    begin += len(FACTS_BEGIN)
    facts = system[begin:end]
    before, found, _ = facts.rpartition(_BETWEEN)
    return system[:begin] + (before if found else "") + system[end:]
