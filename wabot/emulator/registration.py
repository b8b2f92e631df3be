"""Linking a new device: codes for it to show, and what follows when the phone scans one."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode

from wabot.emulator.link import Link
from wabot.emulator.pairing import DeviceIdentity, PairingCode, PairingError
from wabot.emulator.phone import OwnerPhone
from wabot.emulator.queries import result
from wabot.emulator.service import Service, new_stanza_id, now_text
from wabot.emulator.stanza import SERVER, Node, Value

_CODES = 6
"""With exactly six references whatsmeow shows the first code for 60 s and each other one for 20 s."""


class Registration:
    """One client without an account, from its first code until it is linked or gone."""

    def __init__(self, service: Service, phone: OwnerPhone, link: Link) -> None:
        self._service = service
        self._phone = phone
        self._link = link
        self._refs = [_new_ref() for _ in range(_CODES)]
        self._identity: DeviceIdentity | None = None
        self._pair_id = new_stanza_id()
        self._outcome = ""

    def run(self) -> None:
        """Serve the client until its link ends."""
        self._phone.watch(self, self._refs)
        self._link.send(self._query(Node("pair-device", {}, self._ref_nodes())))
        self._service.note("codes shown", "bot")
        try:
            for stanza in self._link.stanzas():
                self._take(stanza)
        finally:
            self._phone.forget(self._refs)
            with self._service.lock:
                self._settle("the device left")

    def accept(self, code: PairingCode, timeout_seconds: float) -> None:
        """Link the device that shows `code`; returns when it has agreed, raises PairingError otherwise."""
        if code.noise_public != self._link.client_public:
            raise PairingError("the code and the link it was shown on do not belong together")
        with self._service.lock:
            account = self._service.account
            device = account.new_device(self._link.payload, self._link.client_public)
            self._identity = self._phone.sign(code)
            addresses = {"jid": device.jid, "lid": device.lid}
            success = [
                Node("device-identity", {}, self._identity.container),
                Node("biz", {"name": ""}),
                Node("device", addresses),
                Node("platform", {"name": "android"}),
            ]
            self._link.send(self._query(Node("pair-success", {}, success)))
            self._service.note("scanned", "phone")
            self._service.lock.wait_for(lambda: self._outcome, timeout_seconds)
            if self._outcome != "linked":
                raise PairingError(self._outcome or f"the device did not answer within {timeout_seconds:g} s")

    def reject(self, code: PairingCode) -> None:
        """Answer the scan of `code` with an identity that the device cannot trust."""
        forged = PairingCode(
            code.ref, code.noise_public, code.identity_public, secrets.token_bytes(32), code.client_type
        )
        container = self._phone.sign(forged).container
        account = self._service.account
        success = [
            Node("device-identity", {}, container),
            Node("biz", {"name": ""}),
            Node("device", {"jid": account.phone_jid, "lid": account.lid_jid}),
            Node("platform", {"name": "android"}),
        ]
        self._link.send(self._query(Node("pair-success", {}, success)))
        self._service.note("refused", "phone")

    def _ref_nodes(self) -> list[Node]:
        return [Node("ref", {}, ref.encode()) for ref in self._refs]

    def _query(self, content: Node) -> Node:
        attributes: dict[str, Value] = {"from": SERVER, "type": "set", "xmlns": "md", "t": now_text()}
        stanza_id = self._pair_id if content.tag == "pair-success" else new_stanza_id()
        return Node("iq", {**attributes, "id": stanza_id}, [content])

    def _take(self, stanza: Node) -> None:
        if stanza.tag != "iq":
            return
        if stanza.text("type") in ("get", "set"):
            self._link.send(result(stanza))
        elif stanza.text("id") == self._pair_id:
            self._finish(stanza)

    def _finish(self, answer: Node) -> None:
        signed = answer.child("pair-device-sign", "device-identity")
        with self._service.lock:
            if self._identity is None or signed is None:
                error = answer.child("error")
                reason = error.text("text") or error.text("code") if error else "no reason given"
                self._settle(f"the device refused to be linked: {reason}")
                return
            try:
                self._identity.check_answer(signed.data)
            except PairingError as problem:
                self._settle(str(problem))
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
        self._settle("linked")
        self._service.note("linked", "bot", str(account.device.jid))

    def _settle(self, outcome: str) -> None:
        self._outcome = self._outcome or outcome
        self._service.lock.notify_all()


def _new_ref() -> str:
    return "2@" + urlsafe_b64encode(secrets.token_bytes(48)).decode()
