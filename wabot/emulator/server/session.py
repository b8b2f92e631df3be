"""One login of the bot: what it sends is answered, passed on, and spoilt where a fault is due."""

from __future__ import annotations

from wabot.emulator.people.phone import OwnerPhone
from wabot.emulator.server.queries import Queries, failure
from wabot.emulator.wire.link import Link
from wabot.emulator.wire.stanza import GROUP_SERVER, JID, Node, Value
from wabot.emulator.world.account import Device
from wabot.emulator.world.service import Service, now_text, receipt_key


class Session:
    """The bot on one link, from <success> until the link ends."""

    def __init__(self, service: Service, phone: OwnerPhone, link: Link, device: Device) -> None:
        self._service = service
        self._phone = phone
        self._link = link
        self._device = device
        self._queries = Queries(service, phone, device)
        self._activated = False

    def run(self) -> None:
        """Serve the client until its link ends."""
        with self._service.lock:
            if self._service.link is not None:
                self._service.link.send_last(ended_by_newer())
                self._service.note("replaced", "bot")
            self._service.link, self._service.active = self._link, False
            attributes: dict[str, Value] = {"lid": self._device.lid, "t": now_text(), "props": "27"}
            self._link.send(Node("success", {**attributes, "location": "loopback"}))
            self._service.note("login", "bot")
            if self._service.offline_after == "success":
                self._service.deliver_backlog(self._link)
        try:
            for stanza in self._link.stanzas():
                with self._service.lock:
                    self._take(stanza)
        finally:
            self._service.leave(self._link)
            self._service.note("link ended", "bot")

    def _take(self, stanza: Node) -> None:
        if stanza.tag == "iq":
            self._answer(stanza)
        elif stanza.tag == "message":
            self._pass_on(stanza)
        elif stanza.tag == "receipt":
            self._take_receipt(stanza)
        elif stanza.tag == "ack":
            about_receipt = stanza.text("class") == "receipt"
            self._service.mailbox.acknowledge(receipt_key(stanza) if about_receipt else stanza.text("id"))
        elif stanza.tag == "chatstate":
            self._show_typing(stanza)
        elif stanza.tag == "presence":
            self._service.presence = stanza.text("type", "available")
            self._service.note("presence", "bot", self._service.presence)

    def _answer(self, query: Node) -> None:
        xmlns = query.text("xmlns")
        if query.text("type") not in ("get", "set") or self._service.faults.ignores(xmlns):
            return
        code = self._service.faults.take_query_failure(xmlns)
        if code is not None:
            self._service.note("query refused", "bot", f"{xmlns} {code}")
            self._link.send(failure(query, code))
            return
        self._link.send(self._queries.answer(query))
        if xmlns == "passive" and query.child("active") is not None:
            self._activate()

    def _activate(self) -> None:
        if self._activated:  # whatsmeow repeats the query of a link that was cut on the next one
            return
        self._activated = True
        if not self._device.name_shared:
            self._device.name_shared = True
            self._phone.share_name()
        if not self._service.active:
            self._service.deliver_backlog(self._link)
        self._service.logins += 1
        self._service.note("active", "bot")

    def _pass_on(self, message: Node) -> None:
        to = message.jid("to")
        faults = self._service.faults
        addressee = self._addressee(to)
        moment = faults.take_cut(addressee) if addressee else None
        if moment == "before_ack":
            self._cut(to)
            return
        ack_fault = faults.take_ack() if addressee else None
        message_id = message.text("id")
        ack: dict[str, Value] = {"class": "message", "id": message_id, "from": to, "t": now_text()}
        # What was taken once is not refused when the client sends it again after a lost acknowledgement.
        is_refused = ack_fault is not None and ack_fault.error is not None
        if ack_fault is not None and is_refused and message_id not in self._service.taken:
            self._link.send(Node("ack", {**ack, "error": str(ack_fault.error)}))
            self._service.note("refused message", to.user, str(ack_fault.error))
            return
        self._service.taken.add(message_id)
        answers = self._distribute(message, to)
        if moment == "taken":
            self._cut(to)
        elif moment is not None:
            self._service.note("cut", to.user, moment)
            self._service.leave(self._link)
            self._link.send_and_cut(Node("ack", ack), halfway=moment == "mid_frame")
        elif ack_fault is None or is_refused:
            self._link.send(Node("ack", ack))
        elif not ack_fault.never:
            late = Node("ack", ack)
            self._service.timers.call_later(ack_fault.late_seconds, lambda: self._link.send(late))
        for answer in answers:
            self._service.post_receipt(answer)

    def _addressee(self, to: JID) -> str:
        """What faults know the other side of a chat by; "" for nobody, and for the account itself."""
        if to.server == GROUP_SERVER:
            return to.user
        person = self._service.person(to)
        return person.phone if person is not None and not self._service.account.is_own(to) else ""

    def _cut(self, to: JID) -> None:
        self._service.note("cut", to.user)
        self._service.leave(self._link)
        self._link.cut()

    def _distribute(self, message: Node, to: JID) -> list[Node]:
        """Hand the message to everybody it is encrypted for; returns their receipts."""
        direct = message.child("enc")
        participants = message.child("participants")
        copies = list(participants.children("to")) if participants else []
        if to.server == GROUP_SERVER and direct is not None:
            return self._distribute_in_group(message, to, direct, copies)
        if direct is not None:
            return self._hand_over(message, to, direct)
        receipts = []
        for copy in copies:
            enc = copy.child("enc")
            if enc is not None:
                receipts += self._hand_over(message, copy.jid("jid"), enc)
        if not copies:
            self._service.note("empty message", to.user, message.text("id"))
        return receipts

    def _distribute_in_group(self, message: Node, to: JID, enc: Node, copies: list[Node]) -> list[Node]:
        """Hand the message to every member, or to the one that asked for it again."""
        group = self._service.groups.get(to.user)
        if group is None:
            self._service.note("no such group", to.user, message.text("id"))
            return []
        asker = message.attributes.get("participant")
        keys = {copy.jid("jid"): copy.child("enc") for copy in copies}
        members = [asker] if isinstance(asker, JID) else group.members_but_bot()
        receipts = []
        for jid in members:
            person = self._service.person(jid)
            if person is not None and not jid.device:
                receipts += person.receive_in_group(message, enc, keys.get(jid))
        return receipts

    def _hand_over(self, message: Node, jid: JID, enc: Node) -> list[Node]:
        person = self._service.person(jid)
        return person.receive(message, enc) if person is not None and not jid.device else []

    def _take_receipt(self, receipt: Node) -> None:
        self._service.mailbox.acknowledge(receipt.text("id"))
        ack: dict[str, Value] = {"class": "receipt", "id": receipt.text("id"), "from": receipt.jid("to")}
        if receipt.text("type"):
            ack["type"] = receipt.text("type")
        participant = receipt.attributes.get("participant")
        if participant is not None:
            ack["participant"] = participant
        self._link.send(Node("ack", ack))
        author = participant if isinstance(participant, JID) else receipt.jid("to")
        person = self._service.person(author)
        if person is not None:
            person.see_receipt(receipt)

    def _show_typing(self, chatstate: Node) -> None:
        person = self._service.person(chatstate.jid("to"))
        state = next(chatstate.children(), None)
        if person is not None and state is not None:
            person.see_typing(state.tag)


def ended_by_logout() -> Node:
    """What a device is told whose owner unlinked it."""
    return Node("stream:error", {"code": "401"}, [Node("conflict", {"type": "device_removed"})])


def ended_by_newer() -> Node:
    """What a device is told when the same device logs in elsewhere."""
    return Node("stream:error", {}, [Node("conflict", {"type": "replaced"})])
