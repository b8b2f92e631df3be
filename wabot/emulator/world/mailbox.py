"""What the service keeps for the bot until the bot says it has it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from wabot.emulator.wire.stanza import Node


class Mailbox:
    """Stanzas in the order they came, each kept until it is acknowledged. Not thread-safe: callers lock."""

    def __init__(self) -> None:
        self._stanzas: OrderedDict[int, tuple[str, Node]] = OrderedDict()
        self._last = 0

    def __len__(self) -> int:
        return len(self._stanzas)

    def __iter__(self) -> Iterator[Node]:
        """The stanzas still kept, oldest first."""
        return iter([stanza for _, stanza in self._stanzas.values()])

    def put(self, message_id: str, stanza: Node) -> None:
        """Keep `stanza` until `message_id` is acknowledged."""
        self._last += 1
        self._stanzas[self._last] = (message_id, stanza)

    def acknowledge(self, message_id: str) -> bool:
        """Let go of the oldest stanza of `message_id`; False when there is none."""
        for number, (kept_id, _) in self._stanzas.items():
            if kept_id == message_id:
                del self._stanzas[number]
                return True
        return False
