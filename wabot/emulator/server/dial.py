"""One dial of the client: TLS, WebSocket and Noise, then linking or login, until the connection ends."""

from __future__ import annotations

import logging
import socket
import ssl
from http import HTTPStatus

from wabot.emulator.people.phone import OwnerPhone
from wabot.emulator.server.registration import Registration
from wabot.emulator.server.session import Session
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.link import Link
from wabot.emulator.wire.noise import NoiseError, NoiseIdentity
from wabot.emulator.wire.protobuf import ProtobufError
from wabot.emulator.wire.stanza import Node, StanzaError
from wabot.emulator.wire.tokens import TokenTable
from wabot.emulator.wire.transport import TlsStream, TransportError, WebSocket
from wabot.emulator.world.service import Service

_USERNAME, _DEVICE_NUMBER, _PAIRING_DATA = 1, 18, 19  # of ClientPayload

_log = logging.getLogger(__name__)


class Dial:
    """Serves one connection; `cut` ends it from another thread."""

    def __init__(
        self,
        service: Service,
        phone: OwnerPhone,
        connection: socket.socket,
        context: ssl.SSLContext,
        identity: NoiseIdentity,
        tokens: TokenTable,
    ) -> None:
        self._service = service
        self._phone = phone
        self._stream = TlsStream(connection, context)
        self._identity = identity
        self._tokens = tokens
        self.link: Link | None = None  # once it is made

    def cut(self) -> None:
        """End the connection at once, as a network does."""
        if self.link is not None:
            self._service.leave(self.link)
            self.link.cut()
        self._stream.abort()

    def run(self) -> None:
        """Serve the connection until it ends, for whatever reason."""
        with self._service.lock:
            self._service.dials += 1
            self._service.note("dial", "bot")
        if self._service.faults.take_refused_dial():
            return
        try:
            self._serve()
        except (TransportError, NoiseError, ProtobufError, StanzaError) as error:
            self._service.note("dial failed", "bot", str(error))
            _log.info("a dial ended: %s", error)
        finally:
            self.cut()
            if self.link is not None:
                self.link.join()

    def _serve(self) -> None:
        faults = self._service.faults
        if faults.take_hang("tls"):
            self._stream.wait_for_end()
            return
        self._stream.handshake()
        websocket = WebSocket(self._stream)
        request = websocket.read_request()
        if faults.take_hang("upgrade"):
            self._stream.wait_for_end()
            return
        status = faults.take_http_status()
        if status is not None:
            websocket.reject(HTTPStatus(status))
            return
        websocket.accept(request)
        self.link = link = Link(websocket, self._identity, self._tokens, lambda: faults.latency_seconds)
        link.handshake(answer=not faults.take_hang("handshake"))
        self._admit(link)

    def _admit(self, link: Link) -> None:
        faults = self._service.faults
        if faults.take_hang("success"):
            _drain(link)
            return
        failure = faults.take_login_failure()
        if failure is not None:
            self._refuse(link, failure.stanza())
        elif _PAIRING_DATA in link.payload:
            Registration(self._service, self._phone, link).run()
        else:
            self._log_in(link)

    def _log_in(self, link: Link) -> None:
        device = self._service.account.device
        username = protobuf.first_int(link.payload, _USERNAME)
        number = protobuf.first_int(link.payload, _DEVICE_NUMBER, default=0)
        if str(username) != self._service.account.phone:
            # Told that it is logged out, the client would delete a session that is linked elsewhere.
            self._service.note("foreign session", "bot", str(username))
            self._refuse(link, Node("failure", {"reason": "503", "location": "loopback"}))
            return
        if (
            device is None
            or device.noise_public != link.client_public
            or (device.jid.user, device.jid.device) != (str(username), number)
        ):
            self._refuse(link, Node("failure", {"reason": "401", "location": "loopback"}))
            return
        Session(self._service, self._phone, link, device).run()

    def _refuse(self, link: Link, failure: Node) -> None:
        link.send_last(failure)
        self._service.note("login refused", "bot", failure.text("reason"))
        _drain(link)


def _drain(link: Link) -> None:
    for _ in link.stanzas():
        pass
