"""One established link: stanzas in and out over Noise frames, with a writer thread of its own.

Senders only queue: a client that does not read (a stopped process) never holds up the service. The queue also
keeps the order between stanzas and what is to happen to the link after them.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from wabot.emulator.wire import protobuf
from wabot.emulator.wire.binary_xml import BinaryXmlError, decode, encode
from wabot.emulator.wire.noise import FrameReader, Handshake, NoiseError, NoiseIdentity, frame
from wabot.emulator.wire.stanza import Node
from wabot.emulator.wire.tokens import TokenTable
from wabot.emulator.wire.transport import WebSocket

LINGER_SECONDS = 0.5
"""How long a link stays open after its last stanza.

whatsmeow stops reading its queue when the socket closes: with an immediate close a final stanza (515, say)
was lost and the client never came back.
"""

_CUT_AFTER_SECONDS = 0.1
"""How long after a stanza a cut comes that is meant to come after it: the client has to have handled it."""

_log = logging.getLogger(__name__)


class _After(Enum):
    """What happens to the link once a stanza is written."""

    NOTHING = auto()
    LINGER = auto()
    CUT = auto()
    CUT_HALFWAY = auto()


@dataclass(frozen=True, slots=True)
class _Outgoing:
    due: float
    node: Node | None
    after: _After


class Link:
    """A client that has proved its key. `client_public` is that key, `payload` what it says about itself."""

    def __init__(
        self, websocket: WebSocket, identity: NoiseIdentity, tokens: TokenTable, latency: Callable[[], float]
    ) -> None:
        """Nothing happens before `handshake`; every stanza leaves `latency()` seconds after it was sent."""
        self._latency = latency
        self._websocket = websocket
        self._identity = identity
        self._tokens = tokens
        self._frames = FrameReader()
        self._outgoing: queue.SimpleQueue[_Outgoing] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._speaking = threading.Event()
        self._speaking.set()
        self._writer: threading.Thread | None = None

    def handshake(self, answer: bool = True) -> None:
        """Do the Noise handshake; raises NoiseError or ProtobufError when the client does not follow it.

        With `answer` False the client's first message is left unanswered and this returns when it gives up.
        """
        noise = Handshake(self._identity)
        bodies = self._bodies()
        hello = next(bodies, None)
        if hello is None:
            raise NoiseError("the client left before the handshake")
        if not answer:
            next(bodies, None)
            raise NoiseError("the handshake was left unanswered")
        self._websocket.send(frame(noise.answer(hello)))
        finish = next(bodies, None)
        if finish is None:
            raise NoiseError("the client left during the handshake")
        agreed = noise.finish(finish)
        self.client_public = agreed.client_public
        self.payload = protobuf.decode(agreed.payload)
        self._receive_cipher, self._send_cipher = agreed.receive, agreed.send
        self._writer = threading.Thread(target=self._write, name="emulator-writer", daemon=True)
        self._writer.start()

    def stanzas(self) -> Iterator[Node]:
        """The client's stanzas until the link ends; raises NoiseError or BinaryXmlError on rubbish."""
        for body in self._bodies():
            self._speaking.wait()
            if self._ended.is_set():
                return
            yield decode(self._receive_cipher.decrypt(body), self._tokens)

    def send(self, node: Node) -> None:
        """Queue `node`."""
        self._put(node, _After.NOTHING)

    def send_last(self, node: Node) -> None:
        """Queue `node` and close the link LINGER_SECONDS after it."""
        self._put(node, _After.LINGER)

    def send_and_cut(self, node: Node, halfway: bool = False) -> None:
        """Queue `node` and cut the link once the client has it, or in the middle of its frame."""
        self._put(node, _After.CUT_HALFWAY if halfway else _After.CUT)

    def close(self) -> None:
        """Close the link once everything queued is written."""
        self._put(None, _After.LINGER)

    def cut(self) -> None:
        """End the link at once, as a network does."""
        self._ended.set()
        self._speaking.set()
        self._websocket.abort()
        self._outgoing.put(_Outgoing(0.0, None, _After.CUT))

    def fall_silent(self) -> None:
        """Neither read nor write any more, with the connection left open, until `speak`."""
        self._speaking.clear()

    def speak(self) -> None:
        """End `fall_silent`: what was held back flows."""
        self._speaking.set()

    def join(self, timeout_seconds: float = 5.0) -> None:
        """Wait for the writer thread of a link that ended."""
        if self._writer is not None:
            self._writer.join(timeout_seconds)

    def _put(self, node: Node | None, after: _After) -> None:
        self._outgoing.put(_Outgoing(time.monotonic() + self._latency(), node, after))

    def _bodies(self) -> Iterator[bytes]:
        while data := self._websocket.receive():
            yield from self._frames.feed(data)

    def _write(self) -> None:
        try:
            while not self._ended.is_set():
                self._write_one(self._outgoing.get())
        except (OSError, NoiseError, BinaryXmlError) as error:
            _log.debug("a link could not be written to any more: %s", error)
            self._websocket.abort()

    def _write_one(self, outgoing: _Outgoing) -> None:
        delay = outgoing.due - time.monotonic()
        if delay > 0:
            self._ended.wait(delay)
        self._speaking.wait()
        if self._ended.is_set():
            return
        if outgoing.node is not None:
            data = frame(self._send_cipher.encrypt(encode(outgoing.node)))
            halfway = outgoing.after is _After.CUT_HALFWAY
            self._websocket.send(data[: len(data) // 2] if halfway else data)
        if outgoing.after is _After.LINGER:
            self._ended.wait(LINGER_SECONDS)
            self._websocket.close()
        if outgoing.after is _After.CUT:
            self._ended.wait(_CUT_AFTER_SECONDS)
        if outgoing.after is not _After.NOTHING:
            self.cut()
