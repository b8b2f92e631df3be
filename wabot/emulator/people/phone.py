"""The owner's phone: it links the bot, and its owner may write to customers from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from wabot.emulator.crypto import KeyPair
from wabot.emulator.people.attachments import File, fetch, put_up, sample
from wabot.emulator.people.endpoint import Endpoint, Unreadable, read_from_group
from wabot.emulator.people.pairing import DeviceIdentity, PairingCode, PairingError
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.app_state import SyncKey, push_name_patch
from wabot.emulator.signal.file_messages import file_message
from wabot.emulator.signal.party import Bundle, SignalParty
from wabot.emulator.signal.sender_keys import SenderKeyReader
from wabot.emulator.wire.stanza import JID, Node, Value
from wabot.emulator.world.service import Service, new_message_id, now_text

if TYPE_CHECKING:
    from wabot.emulator.people.customer import Customer

_PAIRING_SECONDS = 20.0


class NewDevice(Protocol):
    """A device that shows codes to be linked by."""

    @property
    def has_link_code(self) -> bool:
        """Whether it has made a code to type."""

    def accept(self, code: PairingCode, timeout_seconds: float) -> None:
        """Link it by the QR code it shows; returns when it has accepted."""

    def accept_typed(self, code: str, timeout_seconds: float) -> None:
        """Link it by the code typed on the phone; returns when it has accepted."""

    def reject(self, code: PairingCode) -> None:
        """Let its linking fail."""


class OwnerPhone:
    """Device 0 of the account: its Signal identity is the key that linked devices are signed with."""

    def __init__(self, service: Service) -> None:
        self.phone = service.account.phone
        self.lid = service.account.lid
        self.sync_key = SyncKey.generate(int(time.time() * 1000))
        self.copies: list[plaintexts.Content] = []  # what the bot told the phone it sent
        self._service = service
        self._endpoint = Endpoint(service, SignalParty.generate())
        self._seen: set[str] = set()
        self._bot_keys: dict[JID, SenderKeyReader] = {}  # by the group that they are for
        self._waiting: dict[str, NewDevice] = {}  # by the references of their codes

    @property
    def push_name(self) -> str:
        """The owner's name as others see it."""
        return self._service.account.push_name

    def scan(self, code_text: str, timeout_seconds: float = _PAIRING_SECONDS) -> None:
        """Link the device that shows the QR code `code_text`; returns when it has accepted.

        Raises PairingError when the code is none, is not on show any more, or the device refuses.
        """
        device, code = self._find(code_text)
        device.accept(code, timeout_seconds)

    def type_code(self, code: str, timeout_seconds: float = _PAIRING_SECONDS) -> None:
        """Link the device that shows the eight-character `code` for this phone's number.

        Raises PairingError when no device has made a code, the code is wrong, or the device refuses.
        """
        with self._service.lock:
            device = next((one for one in self._waiting.values() if one.has_link_code), None)
        if device is None:
            raise PairingError(f"no device has made a code for +{self.phone}")
        device.accept_typed(code, timeout_seconds)

    def refuse(self, code_text: str) -> None:
        """Let the linking of the device that shows `code_text` fail."""
        device, code = self._find(code_text)
        device.reject(code)

    def _find(self, code_text: str) -> tuple[NewDevice, PairingCode]:
        code = PairingCode.parse(code_text)
        with self._service.lock:
            device = self._waiting.get(code.ref)
        if device is None:
            raise PairingError("this code is not on show any more: take the present one")
        return device, code

    def watch(self, device: NewDevice, refs: list[str]) -> None:
        """Expect codes with these references to be scanned."""
        with self._service.lock:
            self._waiting.update(dict.fromkeys(refs, device))

    def forget(self, device: NewDevice) -> None:
        """End `watch`."""
        with self._service.lock:
            self._waiting = {ref: one for ref, one in self._waiting.items() if one is not device}

    def sign(self, code: PairingCode) -> DeviceIdentity:
        """Vouch for the device that shows `code`."""
        account = self._service.account
        return DeviceIdentity.sign(
            self.identity,
            code,
            raw_id=account.raw_id,
            key_index=account.devices_linked + 1,
            at=int(time.time()),
        )

    @property
    def identity(self) -> KeyPair:
        """The account's key, which is the phone's Signal identity."""
        return self._endpoint.party.identity

    def write(self, customer: Customer, text: str) -> str:
        """Let the owner write to `customer`; the bot is told, as every linked device is. Returns the id."""
        return self._write(customer, plaintexts.text(text), {}, text)

    def send_media(
        self, customer: Customer, kind: str, file: File | None = None, *, caption: str = ""
    ) -> str:
        """Let the owner send `customer` a file, as Customer.send_media does; returns the message id."""
        attachment = put_up(self._service.media, kind, file or sample(kind), caption)
        return self._write(customer, file_message(attachment), {"type": "media"}, caption)

    def _write(self, customer: Customer, message: bytes, more: dict[str, Value], detail: str) -> str:
        secret = plaintexts.new_message_secret()
        sent = plaintexts.device_sent(str(customer.jid), plaintexts.with_secret(message, secret))
        recipient: dict[str, Value] = {
            "recipient": customer.lid_jid,
            "peer_recipient_pn": customer.phone_jid,
        }
        return self._post(sent, {**recipient, **more}, detail)

    def share_name(self) -> None:
        """Give the linked device the key to the synced settings, the owner's name among them."""
        account = self._service.account
        message = self.sync_key.share_message(account.raw_id, account.devices_linked)
        self._post(message, {"category": "peer", "push_priority": "high"}, "key share")

    def name_patch(self) -> bytes:
        """The synced setting that holds the owner's name."""
        return push_name_patch(self.sync_key, self.push_name, int(time.time() * 1000))

    def _post(self, message: bytes, more: dict[str, Value], detail: str) -> str:
        message_id = new_message_id()
        attributes: dict[str, Value] = {
            "from": self._service.account.lid_jid,
            "id": message_id,
            "t": now_text(),
            "type": "text",
            **more,
        }
        with self._service.lock:
            self._service.note("from phone", self.phone, detail)
            self._service.post(message_id, Node("message", attributes, [self._endpoint.encrypt(message)]))
        return message_id

    def bundle(self) -> Bundle:
        """The keys to begin a Signal session with the phone."""
        return self._endpoint.party.bundle()

    def remember(self) -> Callable[[], None]:
        """Keep its sessions; what is returned goes back to them, for a bot whose state goes back as well."""
        with self._service.lock:
            go_back = self._endpoint.party.remember()

        def go_back_together() -> None:
            with self._service.lock:
                go_back()

        return go_back_together

    def receive(self, stanza: Node, enc: Node) -> list[Node]:
        """Take in the copy of a message that the bot sent to a customer."""
        return self._receive(stanza, lambda: self._endpoint.decrypt(enc))

    def receive_in_group(self, stanza: Node, enc: Node, hand_over: Node | None) -> list[Node]:
        """Take in a message of the bot to a group."""
        key = self._bot_keys.setdefault(stanza.jid("to"), SenderKeyReader())
        return self._receive(stanza, lambda: read_from_group(self._endpoint, key, enc, hand_over))

    def _receive(self, stanza: Node, decrypt: Callable[[], bytes]) -> list[Node]:
        if stanza.text("id") in self._seen:
            return []
        try:
            copy = plaintexts.read(decrypt())
        except (Unreadable, plaintexts.PlaintextError) as error:
            self._service.note("unreadable", self.phone, str(error))
            return []
        self.copies.append(copy)
        self._seen.add(stanza.text("id"))
        if self._service.account.is_own(stanza.jid("to")):
            file = fetch(self._service.media, copy.file) if copy.file is not None else None
            self._service.note("own chat", self.phone, str(file or copy.place or copy.text))
        return []

    def see_receipt(self, receipt: Node) -> None:
        """The bot confirms what the phone told it."""

    def see_typing(self, state: str) -> None:
        """Nobody types to the own phone."""
