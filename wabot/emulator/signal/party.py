"""A Signal party: the keys of one device, and its sessions with others (X3DH, then the double ratchet).

Protocol: signal.org, "The X3DH Key Agreement Protocol", as WhatsApp speaks it (message version 3).
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wabot.emulator.crypto import CurveError, KeyPair, hkdf, verify
from wabot.emulator.signal.ratchet import (
    VERSION_BYTE,
    DuplicateMessage,
    NotAuthentic,
    RatchetMessage,
    Session,
    SignalError,
    message_body,
    raw_key,
    wire_key,
)
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import ProtobufError

__all__ = ["Bundle", "DuplicateMessage", "NotAuthentic", "SignalError", "SignalParty", "initial_keys"]

MAX_SESSIONS_PER_PEER = 5  # the current one and earlier ones that messages may still be on their way for
MAX_OUTSTANDING_PREKEYS = 100  # one-time prekeys handed out and not used yet
_MAX_REGISTRATION_ID = 16380  # libsignal draws registration ids from 1..16380
_SIGNED_PREKEY_ID = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """The public keys of a device that another one needs to begin a session with it.

    Keys are 32 raw bytes. `prekey_id` and `prekey` are None when no one-time prekey is left.
    """

    registration_id: int
    identity: bytes
    signed_prekey_id: int
    signed_prekey: bytes
    signed_prekey_signature: bytes
    prekey_id: int | None = None
    prekey: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Introduction:
    """What goes along with every message until the peer has answered: which of its keys were used."""

    prekey_id: int | None
    signed_prekey_id: int


@dataclass(slots=True)
class _PeerSession:
    session: Session
    introduction: _Introduction | None


def initial_keys(agreements: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Root key and chain key from the three or four Diffie-Hellman `agreements` of X3DH."""
    keys = hkdf(b"\xff" * 32 + b"".join(agreements), bytes(32), b"WhisperText", 64)
    return keys[:32], keys[32:]


class SignalParty:
    """One device: its identity, prekeys and sessions. Not thread-safe: callers lock."""

    def __init__(self, identity: KeyPair, registration_id: int) -> None:
        """A device with the given identity; its signed prekey is made here."""
        self.identity = identity
        self.registration_id = registration_id
        self._signed_prekey = KeyPair.generate()
        self._signed_prekey_signature = identity.sign(wire_key(self._signed_prekey.public))
        self._prekeys: dict[int, KeyPair] = {}
        self._last_prekey_id = 0
        self._sessions: dict[str, list[_PeerSession]] = {}

    @classmethod
    def generate(cls) -> SignalParty:
        """A device with fresh random keys."""
        return cls(KeyPair.generate(), secrets.randbelow(_MAX_REGISTRATION_ID) + 1)

    def bundle(self) -> Bundle:
        """What another device needs to write to this one, with a one-time prekey nobody else is given."""
        self._last_prekey_id += 1
        self._prekeys[self._last_prekey_id] = prekey = KeyPair.generate()
        if len(self._prekeys) > MAX_OUTSTANDING_PREKEYS:
            del self._prekeys[next(iter(self._prekeys))]
        return Bundle(
            self.registration_id,
            self.identity.public,
            _SIGNED_PREKEY_ID,
            self._signed_prekey.public,
            self._signed_prekey_signature,
            self._last_prekey_id,
            prekey.public,
        )

    def has_session(self, peer_address: str) -> bool:
        """Whether `encrypt` can write to `peer_address` without a bundle."""
        return bool(self._sessions.get(peer_address))

    def drop_session(self, peer_address: str) -> None:
        """Forget all sessions with `peer_address`: nothing can be read any more, writing needs a bundle."""
        self._sessions.pop(peer_address, None)

    def remember(self) -> Callable[[], None]:
        """Keep all sessions as they are; calling what is returned, at any time, goes back to them."""
        kept = copy.deepcopy(self._sessions)

        def go_back() -> None:
            self._sessions = copy.deepcopy(kept)

        return go_back

    def encrypt(self, peer_address: str, plaintext: bytes, bundle: Bundle | None = None) -> tuple[str, bytes]:
        """Encrypt `plaintext` for the device `peer_address` ("15550001:3@lid").

        A `bundle` begins a new session, which replaces the current one; messages of the earlier one can still
        be read. Returns the enc type ("pkmsg" until the peer has answered in the session, then "msg") and the
        ciphertext. Raises SignalError without a session and a bundle, or for a bundle that is forged.
        """
        if bundle is not None:
            self._put_first(peer_address, self._begin(bundle))
        if not self.has_session(peer_address):
            raise SignalError(f"there is no session with {peer_address} and no bundle to begin one")
        current = self._sessions[peer_address][0]
        message = current.session.encrypt(plaintext)
        if current.introduction is None:
            return "msg", message
        fields: list[tuple[int, int | bytes | str]] = [
            (2, wire_key(current.session.base_key)),
            (3, wire_key(self.identity.public)),
            (4, message),
            (5, self.registration_id),
            (6, current.introduction.signed_prekey_id),
        ]
        if current.introduction.prekey_id is not None:
            fields.insert(0, (1, current.introduction.prekey_id))
        return "pkmsg", VERSION_BYTE + protobuf.encode(fields)

    def decrypt(self, peer_address: str, enc_type: str, data: bytes) -> bytes:
        """The plaintext of a message from the device `peer_address`.

        `enc_type` is "pkmsg" or "msg". Messages may be lost or come in any order. Raises DuplicateMessage
        when the key of the message was used up, NotAuthentic when it fits none of the sessions, SignalError
        for anything else that cannot be read. A message that cannot be read changes nothing.
        """
        try:
            if enc_type == "msg":
                return self._decrypt_known(peer_address, RatchetMessage.parse(data))
            if enc_type == "pkmsg":
                return self._decrypt_introduced(peer_address, data)
        except (ProtobufError, CurveError) as error:
            raise SignalError(f"a {enc_type} from {peer_address} is malformed: {error}") from error
        raise SignalError(f"messages of type {enc_type!r} are not understood")

    def _decrypt_known(self, peer_address: str, message: RatchetMessage) -> bytes:
        peer_sessions = self._sessions.get(peer_address, [])
        if not peer_sessions:
            raise SignalError(f"there is no session with {peer_address}")
        # A session that knows the ratchet key first: the others would try a Diffie-Hellman step for nothing.
        candidates = sorted(peer_sessions, key=lambda known: not known.session.has_chain(message.ratchet_key))
        for peer_session in candidates:
            try:
                plaintext = peer_session.session.decrypt(message)
            except NotAuthentic:
                continue
            # Both sides may have begun a session at the same time: each goes on with the one heard last.
            peer_sessions.remove(peer_session)
            peer_session.introduction = None
            self._put_first(peer_address, peer_session)
            return plaintext
        raise NotAuthentic(f"the message fits none of the {len(peer_sessions)} sessions with {peer_address}")

    def _decrypt_introduced(self, peer_address: str, data: bytes) -> bytes:
        fields = protobuf.decode(message_body(data))
        base_key = raw_key(protobuf.first_bytes(fields, 2))
        message = RatchetMessage.parse(protobuf.first_bytes(fields, 4))
        if any(known.session.base_key == base_key for known in self._sessions.get(peer_address, [])):
            return self._decrypt_known(peer_address, message)
        signed_prekey_id = protobuf.first_int(fields, 6)
        if signed_prekey_id != _SIGNED_PREKEY_ID:
            raise SignalError(f"{peer_address} used signed prekey {signed_prekey_id}, which does not exist")
        prekey_id = protobuf.first_int(fields, 1) if 1 in fields else None
        peer_identity = raw_key(protobuf.first_bytes(fields, 3))
        agreements = [
            self._signed_prekey.agree(peer_identity),
            self.identity.agree(base_key),
            self._signed_prekey.agree(base_key),
        ]
        if prekey_id is not None:
            if prekey_id not in self._prekeys:
                raise SignalError(f"{peer_address} used one-time prekey {prekey_id}, which is gone")
            agreements.append(self._prekeys[prekey_id].agree(base_key))
        root_key, _ = initial_keys(agreements)
        session = Session.respond(
            self.identity.public, peer_identity, base_key, root_key, self._signed_prekey
        )
        plaintext = session.decrypt(message)
        if prekey_id is not None:
            del self._prekeys[prekey_id]
        self._put_first(peer_address, _PeerSession(session, None))
        return plaintext

    def _begin(self, bundle: Bundle) -> _PeerSession:
        if not verify(bundle.identity, wire_key(bundle.signed_prekey), bundle.signed_prekey_signature):
            raise SignalError("the signature of the signed prekey in the bundle is wrong")
        base = KeyPair.generate()
        try:
            agreements = [
                self.identity.agree(bundle.signed_prekey),
                base.agree(bundle.identity),
                base.agree(bundle.signed_prekey),
            ]
            if bundle.prekey is not None:
                agreements.append(base.agree(bundle.prekey))
            root_key, _ = initial_keys(agreements)
            session = Session.initiate(
                self.identity.public, bundle.identity, base.public, root_key, bundle.signed_prekey
            )
        except CurveError as error:
            raise SignalError(f"a key in the bundle cannot be used: {error}") from error
        return _PeerSession(session, _Introduction(bundle.prekey_id, bundle.signed_prekey_id))

    def _put_first(self, peer_address: str, peer_session: _PeerSession) -> None:
        peer_sessions = self._sessions.setdefault(peer_address, [])
        peer_sessions.insert(0, peer_session)
        del peer_sessions[MAX_SESSIONS_PER_PEER:]
