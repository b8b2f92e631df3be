"""Linking a new device: codes for it to show, and what follows when the phone accepts one."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode

from wabot.emulator.people.pairing import CodeExchange, DeviceIdentity, PairingCode, PairingError
from wabot.emulator.people.phone import OwnerPhone
from wabot.emulator.server.queries import result
from wabot.emulator.wire.link import Link
from wabot.emulator.wire.stanza import JID, SERVER, Node, StanzaError, Value
from wabot.emulator.world.service import Service, new_stanza_id, now_text

_CODES = 6
"""With exactly six references whatsmeow shows the first code for 60 s and each other one for 20 s."""

_LINK_CODE = "link_code_companion_reg"
_LINKED = "linked"


class Registration:
    """One client without an account, from its first code until it is linked or gone."""

    def __init__(self, service: Service, phone: OwnerPhone, link: Link) -> None:
        self._service = service
        self._phone = phone
        self._link = link
        self._refs = [_new_ref() for _ in range(_CODES)]
        self._pair_id = new_stanza_id()
        self._identity: DeviceIdentity | None = None
        self._outcome = ""
        self._link_code_ref = secrets.token_bytes(32)
        self._wrapped_device_key = b""
        self._exchange: CodeExchange | None = None

    def run(self) -> None:
        """Serve the client until its link ends."""
        self._phone.watch(self, self._refs)
        refs = [Node("ref", {}, ref.encode()) for ref in self._refs]
        self._link.send(_query(new_stanza_id(), Node("pair-device", {}, refs)))
        self._service.note("codes shown", "bot")
        try:
            for stanza in self._link.stanzas():
                with self._service.lock:
                    self._take(stanza)
        finally:
            self._phone.forget(self)
            with self._service.lock:
                self._settle("the device left")

    # What the phone asks for, in the thread of its owner.

    @property
    def has_link_code(self) -> bool:
        """Whether the device has made a code to type."""
        return bool(self._wrapped_device_key)

    def accept(self, code: PairingCode, timeout_seconds: float) -> None:
        """Link the device that shows `code`; returns when it has agreed, raises PairingError otherwise."""
        if code.noise_public != self._link.client_public:
            raise PairingError("the code and the link it was shown on do not belong together")
        with self._service.lock:
            self._vouch(code)
            self._wait(timeout_seconds)

    def accept_typed(self, code: str, timeout_seconds: float) -> None:
        """Link the device whose code was typed; returns when it has agreed, raises PairingError otherwise."""
        exchange = CodeExchange(code, self._wrapped_device_key)
        content = [
            Node("link_code_pairing_ref", {}, self._link_code_ref),
            Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, exchange.wrapped_key()),
            Node("primary_identity_pub", {}, self._phone.identity.public),
        ]
        attributes: dict[str, Value] = {"from": SERVER, "type": _LINK_CODE, "t": now_text()}
        hello = Node(_LINK_CODE, {"stage": "primary_hello"}, content)
        with self._service.lock:
            self._exchange = exchange
            self._link.send(Node("notification", {**attributes, "id": new_stanza_id()}, [hello]))
            self._wait(timeout_seconds)

    def reject(self, code: PairingCode) -> None:
        """Answer the scan of `code` with an identity that the device cannot trust."""
        forged = PairingCode(
            code.ref, code.noise_public, code.identity_public, secrets.token_bytes(32), code.client_type
        )
        self._vouch(forged)

    def _vouch(self, code: PairingCode) -> None:
        account = self._service.account
        device = account.new_device(self._link.payload, self._link.client_public)
        self._identity = self._phone.sign(code)
        success = [
            Node("device-identity", {}, self._identity.container),
            Node("biz", {"name": ""}),
            Node("device", {"jid": device.jid, "lid": device.lid}),
            Node("platform", {"name": "android"}),
        ]
        self._link.send(_query(self._pair_id, Node("pair-success", {}, success)))
        self._service.note("scanned", "phone")

    def _wait(self, timeout_seconds: float) -> None:
        self._service.lock.wait_for(lambda: self._outcome, timeout_seconds)
        if self._outcome != _LINKED:
            raise PairingError(self._outcome or f"the device did not answer within {timeout_seconds:g} s")

    # What the device sends, in the thread of its link.

    def _take(self, stanza: Node) -> None:
        if stanza.tag != "iq":
            return
        if stanza.text("type") == "result" or stanza.text("type") == "error":
            if stanza.text("id") == self._pair_id:
                self._finish(stanza)
            return
        request = stanza.child(_LINK_CODE)
        if request is not None:
            self._take_link_code(stanza, request)
        else:
            self._link.send(result(stanza))

    def _take_link_code(self, query: Node, request: Node) -> None:
        if request.text("stage") == "companion_finish":
            self._link.send(result(query))
            self._finish_exchange(request)
            return
        number = request.attributes.get("jid")
        if not isinstance(number, JID) or number.user != self._service.account.phone:
            error = Node("error", {"code": "404", "text": "item-not-found"})
            self._link.send(Node("iq", {**result(query).attributes, "type": "error"}, [error]))
            return
        self._wrapped_device_key = _data(request, "link_code_pairing_wrapped_companion_ephemeral_pub")
        ref = Node("link_code_pairing_ref", {}, self._link_code_ref)
        self._link.send(result(query, [Node(_LINK_CODE, {"stage": "companion_hello"}, [ref])]))
        self._service.note("code made", "bot")

    def _finish_exchange(self, request: Node) -> None:
        if self._exchange is None:
            return
        device_identity = _data(request, "companion_identity_public")
        try:
            secret = self._exchange.finish(
                self._phone.identity, device_identity, _data(request, "link_code_pairing_wrapped_key_bundle")
            )
        except PairingError as error:
            self._settle(str(error))
            return
        self._vouch(PairingCode("", self._link.client_public, device_identity, secret, ""))

    def _finish(self, answer: Node) -> None:
        signed = answer.child("pair-device-sign", "device-identity")
        if self._identity is None or signed is None:
            error = answer.child("error")
            reason = error.text("text") or error.text("code") if error else "no reason given"
            self._settle(f"the device refused to be linked: {reason}")
            return
        try:
            self._identity.check_answer(signed.data)
        except PairingError as error_in_answer:
            self._settle(str(error_in_answer))
            return
        self._link_device()

    def _link_device(self) -> None:
        account = self._service.account
        self._service.unlink()
        account.device = account.new_device(self._link.payload, self._link.client_public)
        account.devices_linked += 1
        fault = self._service.faults.take_after_pairing()
        if fault == "refuse_redial":
            self._service.faults.refuse_dials(1)
        if fault == "drop":
            self._link.cut()
        else:
            self._link.send_last(Node("stream:error", {"code": "515"}))
        self._settle(_LINKED)
        self._service.note("linked", "bot", str(account.device.jid))

    def _settle(self, outcome: str) -> None:
        self._outcome = self._outcome or outcome
        self._service.lock.notify_all()


def _query(stanza_id: str, content: Node) -> Node:
    attributes: dict[str, Value] = {"from": SERVER, "type": "set", "xmlns": "md", "t": now_text()}
    return Node("iq", {**attributes, "id": stanza_id}, [content])


def _data(node: Node, tag: str) -> bytes:
    child = node.child(tag)
    if child is None:
        raise StanzaError(f"<{node.tag}> has no <{tag}>")
    return child.data


def _new_ref() -> str:
    return "2@" + urlsafe_b64encode(secrets.token_bytes(48)).decode()
