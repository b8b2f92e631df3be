"""A customer: somebody with a phone who writes to the bot and reads what it answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from wabot.emulator.people.attachments import File, put_up, sample
from wabot.emulator.people.writer import Writer
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.file_messages import enveloped, file_message
from wabot.emulator.signal.message_kinds import build
from wabot.emulator.signal.message_kinds import told_as as kind_in_stanza
from wabot.emulator.signal.places import Place, location
from wabot.emulator.wire.stanza import Node


class Customer(Writer):
    """One customer with one device; made by Emulator.customer()."""

    def send(
        self,
        text: str,
        *,
        age_seconds: float = 0,
        corrupt: bool = False,
        spoil: int = 0,
        message_id: str | None = None,
        expiration_seconds: int = 0,
    ) -> str:
        """Write `text`; returns the message id.

        By its time stamp it is `age_seconds` old. A `corrupt` one cannot be read until it is sent again; with
        `spoil` the first so many deliveries are like that. `message_id`: a text of any kind instead of a new
        one. `expiration_seconds`: the timer of a chat whose messages disappear.
        """
        secret = self._secret()
        return self.post(
            plaintexts.text(text, message_secret=secret, expiration_seconds=expiration_seconds),
            text,
            age_seconds=age_seconds,
            spoil=max(spoil, int(corrupt)),
            message_id=message_id,
            secret=secret,
        )

    def send_kind(self, kind: str, text: str = "", *, spoil: int = 0) -> str:
        """Send one of message_kinds.KINDS, with `text` where it has room for one; returns the id."""
        if kind == "view_once":
            return self.send_media("image", caption=text, envelope="view_once_v2", spoil=spoil)
        stanza_type, told_as = kind_in_stanza(kind)
        more = {"type": stanza_type}
        body = build(kind, text, self._secret())
        return self.post(body, text, more, event=kind, spoil=spoil, media_type=told_as)

    def send_spoilt(self, text: str, *, decrypt_fail: str = "", times: int = 99) -> str:
        """Write `text` so that its first `times` deliveries cannot be read; returns the id.

        `decrypt_fail` is what a device is to do about that: "hide" is said of what is no message to its
        sender either.
        """
        return self.post(plaintexts.text(text), text, spoil=times, decrypt_fail=decrypt_fail)

    def withhold(self, text: str = "", *, kind: str = "view_once") -> str:
        """Send what the service keeps from linked devices: they are told that there is something, not what.

        `kind`: "view_once", or "" for one that the service cannot give, say because it is older than the
        link. `resend` brings it after all. Returns the message id.
        """
        view_once = kind == "view_once"
        if view_once:
            picture = put_up(self._service.media, "image", sample("image"), text)
            body = file_message(picture, envelope="view_once_v2")
        else:
            body = plaintexts.text(text)
        more = {"type": "media"} if view_once else {}
        reason = Node("unavailable", {"type": kind} if kind else {})
        body = plaintexts.with_secret(body, self._secret())
        return self.post(body, text, more, event="withheld", instead=reason)

    def reply_to(
        self,
        message_id: str,
        text: str,
        *,
        quoted_text: str = "",
        quoted_message: bytes | None = None,
        quotes_bot: bool = True,
    ) -> str:
        """Write `text` in answer to a message, of the bot by default; returns the message id.

        The quoted message is a text, or `quoted_message` (a waE2E.Message).
        """
        sender = self._service.account.lid_jid if quotes_bot else self.lid_jid
        quote = plaintexts.Quote(message_id, str(sender), quoted_text, quoted_message)
        secret = self._secret()
        return self.post(plaintexts.text(text, quote=quote, message_secret=secret), text, secret=secret)

    def edit(self, message_id: str, text: str) -> str:
        """Change the text of a message of theirs; returns the id of the edit."""
        body = plaintexts.edit(str(self._chat()), message_id, text, at=_now_ms())
        return self.post(body, text, {"edit": "1"}, event="edit")

    def edit_sealed(self, message_id: str, text: str, *, secret: bytes | None = None) -> str:
        """Change the text of a message of theirs as newer apps do: sealed with the secret of that message.

        `secret`: another one than the message has, so that it cannot be opened. Returns the id of the edit.
        """
        with self._service.lock:
            sent = self._sent.get(message_id)
        used = secret or (sent.secret if sent is not None else None)
        if used is None:
            raise ValueError(f"message {message_id} has no secret to seal an edit with")
        body = plaintexts.sealed_edit(
            str(self._chat()), message_id, text, secret=used, sender=str(self.jid), at=_now_ms()
        )
        return self.post(body, text, {"edit": "1"}, event="edit")

    def revoke(self, message_id: str) -> str:
        """Delete a message of theirs for everyone; returns the id of the deletion."""
        return self.post(
            plaintexts.revoke(str(self._chat()), message_id), message_id, {"edit": "7"}, event="revoke"
        )

    def react(self, message_id: str, emoji: str, *, to_bot: bool = True) -> str:
        """React to a message, of the bot by default; an empty `emoji` takes it back. Returns its id."""
        body = plaintexts.reaction(str(self._chat()), message_id, emoji, from_me=not to_bot, at=_now_ms())
        return self.post(body, emoji, {"type": "reaction"}, event="reaction")

    def send_media(
        self,
        kind: str,
        file: File | None = None,
        *,
        caption: str = "",
        envelope: str = "",
        quotes: str = "",
        is_forwarded: bool = False,
        album: str = "",
        twin_of: str = "",
        lies: Mapping[str, int | bytes | str | None] | None = None,
        spoil: int = 0,
    ) -> str:
        """Send a file as one of FILE_KINDS, sealed and put on the media hosts; returns the message id.

        Args:
            kind: as what it is sent.
            file: a small one by default.
            caption: what is written under it.
            envelope: one of ENVELOPES, around the message; a document with a caption has one by itself.
            quotes: the message of the bot that it answers.
            is_forwarded: whether it was passed on.
            album: the message that announced the album which the picture belongs to.
            twin_of: the message with the same picture that this one brings in more detail.
            lies: what the message says wrongly of the file, by names as in file_messages.
            spoil: how many deliveries cannot be read.
        """
        attachment = put_up(self._service.media, kind, file or sample(kind), caption)
        account = self._service.account
        quote = plaintexts.Quote(quotes, str(account.lid_jid), "") if quotes else None
        message = file_message(
            attachment,
            context=plaintexts.context_info(quote=quote, is_forwarded=is_forwarded),
            envelope=envelope if envelope != "ephemeral" else "",
            lies=lies,
        )
        if kind == "document" and caption:
            message = enveloped("document_with_caption", message)
        if envelope == "ephemeral":
            message = enveloped(envelope, message)
        if album:
            message += plaintexts.album_child(str(self._chat()), album)
        if twin_of:
            message = enveloped("associated_child", message)
            message += plaintexts.finer_twin(str(self._chat()), twin_of)
        body = plaintexts.with_secret(message, self._secret())
        more = {"type": "media"}
        return self.post(body, caption, more, event=kind, spoil=spoil, attachment=attachment)

    def send_place(self, place: Place) -> str:
        """Send a pin on the map; returns the message id."""
        body = plaintexts.with_secret(location(place), self._secret())
        return self.post(body, str(place), {"type": "media"}, event="location", media_type="location")

    def edit_caption(self, message_id: str, caption: str) -> str:
        """Change what is written under a file of theirs; returns the id of the edit."""
        edited = file_message(replace(self.attachment(message_id), caption=caption))
        body = plaintexts.edit_message(str(self._chat()), message_id, edited, at=_now_ms())
        return self.post(body, caption, {"edit": "1"}, event="edit")


def _now_ms() -> int:
    return int(time.time() * 1000)
