"""Stanzas: the pieces of XML that client and service exchange, and the addresses (JIDs) in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PHONE_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"


class StanzaError(ValueError):
    """A stanza lacks what it must have."""


@dataclass(frozen=True, slots=True)
class JID:
    """An address: a user (or nobody) on a server, and which of the user's devices; 0 is the phone itself."""

    user: str
    server: str
    device: int = 0

    def __str__(self) -> str:
        user = f"{self.user}:{self.device}" if self.device else self.user
        return f"{user}@{self.server}" if user else self.server

    @property
    def bare(self) -> JID:
        """The user, whatever the device."""
        return JID(self.user, self.server) if self.device else self


SERVER = JID("", PHONE_SERVER)
"""The address of the service itself."""

Value = str | JID


@dataclass(slots=True)
class Node:
    """One stanza or a part of one."""

    tag: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    content: bytes | list[Node] | None = None

    def text(self, name: str, default: str = "") -> str:
        """Attribute `name` as text, or `default` when the stanza does not have it."""
        value = self.attributes.get(name)
        return default if value is None else str(value)

    def jid(self, name: str) -> JID:
        """Attribute `name` as an address; raises StanzaError when it is none."""
        value = self.attributes.get(name)
        if not isinstance(value, JID):
            raise StanzaError(f"<{self.tag}> has no address in {name!r}")
        return value

    def children(self, tag: str | None = None) -> Iterator[Node]:
        """The children in order, or only those called `tag`."""
        if isinstance(self.content, list):
            yield from (child for child in self.content if tag is None or child.tag == tag)

    def child(self, *path: str) -> Node | None:
        """The first descendant reached by following `path`, or None."""
        node: Node | None = self
        for tag in path:
            node = next(node.children(tag), None) if node else None
        return node

    @property
    def data(self) -> bytes:
        """The bytes inside; raises StanzaError when there are children or nothing."""
        if not isinstance(self.content, bytes):
            raise StanzaError(f"<{self.tag}> holds no bytes")
        return self.content
