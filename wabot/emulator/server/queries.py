"""Answers to the client's info queries (<iq>).

Which queries a client makes and which answers satisfy it was measured with neonize 0.5.2.
"""

from __future__ import annotations

from collections.abc import Callable

from wabot.emulator.people.endpoint import bundle_nodes
from wabot.emulator.people.phone import OwnerPhone
from wabot.emulator.signal import app_state
from wabot.emulator.wire.stanza import JID, PHONE_SERVER, SERVER, Node, Value
from wabot.emulator.world.account import Device
from wabot.emulator.world.service import Service, now_text

_PRIVACY = {
    "readreceipts": "all",
    "last": "all",
    "online": "all",
    "profile": "all",
    "status": "all",
    "groupadd": "all",
    "calladd": "all",
}

_ERROR_TEXTS = {
    400: "bad-request",
    401: "not-authorized",
    403: "forbidden",
    404: "item-not-found",
    429: "rate-overlimit",
    500: "internal-server-error",
    503: "service-unavailable",
}


_ANSWERED_EMPTY = frozenset({("passive", "set"), ("w:p", "get"), ("privacy", "set")})


class _Unknown(Exception):
    """Nobody knows an answer."""


def result(query: Node, content: list[Node] | None = None) -> Node:
    """The <iq type=result> that answers `query`."""
    return Node("iq", {"from": SERVER, "type": "result", "id": query.text("id"), "t": now_text()}, content)


def failure(query: Node, code: int) -> Node:
    """The <iq type=error> that refuses `query`."""
    attributes: dict[str, Value] = {"from": SERVER, "type": "error", "id": query.text("id"), "t": now_text()}
    error = Node("error", {"code": str(code), "text": _ERROR_TEXTS.get(code, "error")})
    return Node("iq", attributes, [error])


class Queries:
    """Answers what the linked `device` asks. Callers hold the service's lock."""

    def __init__(self, service: Service, phone: OwnerPhone, device: Device) -> None:
        self._service = service
        self._phone = phone
        self._device = device
        self._answers: dict[tuple[str, str], Callable[[Node], list[Node]]] = {
            ("encrypt", "get"): self._keys,
            ("encrypt", "set"): self._store_keys,
            ("usync", "get"): self._users,
            ("privacy", "get"): self._privacy,
            ("w:sync:app:state", "set"): self._app_state,
            ("w:g2", "get"): self._groups,
            ("w:m", "set"): self._media_hosts,
        }

    def answer(self, query: Node) -> Node:
        """The answer to `query`; an error, noted in the transcript, to one that nobody knows an answer to."""
        key = query.text("xmlns"), query.text("type")
        answer = self._answers.get(key)
        try:
            if answer is not None:
                return result(query, answer(query))
            if key in _ANSWERED_EMPTY:
                return result(query)
        except _Unknown:
            pass
        asked = " ".join([*key, *(child.tag for child in query.children())])
        self._service.note("unknown query", "bot", asked)
        return failure(query, 404)

    def _keys(self, query: Node) -> list[Node]:
        if query.child("count") is not None:
            return [Node("count", {"value": str(len(self._device.prekeys))})]
        asked = query.child("key")
        if asked is None:
            raise _Unknown
        return [Node("list", {}, [self._bundle(user.jid("jid")) for user in asked.children("user")])]

    def _groups(self, query: Node) -> list[Node]:
        if query.child("participating") is not None:
            groups = list(self._service.groups.values())
            return [Node("groups", {}, [group.metadata for group in groups])]
        to = query.attributes.get("to")
        group = self._service.groups.get(to.user) if isinstance(to, JID) else None
        if group is None or query.child("query") is None:
            raise _Unknown
        return [group.metadata]

    def _media_hosts(self, query: Node) -> list[Node]:
        if query.child("media_conn") is None:
            raise _Unknown
        media, fault = self._service.media, self._service.faults.media.take_list()
        attributes: dict[str, Value] = {
            "auth": media.auth,
            "ttl": str(media.ttl_seconds),
            "auth_ttl": str(media.ttl_seconds),
            "max_buckets": "12",
        }
        if fault == "no_auth":
            del attributes["auth"]
        hosts = [] if fault == "no_hosts" else [Node("host", {"hostname": host}) for host in media.hosts]
        self._service.note("media hosts", "bot", str(len(hosts)))
        return [Node("media_conn", attributes, hosts)]

    def _bundle(self, jid: JID) -> Node:
        person = self._service.person(jid)
        if jid in (self._device.jid, self._device.lid):
            return Node("user", {"jid": jid}, bundle_nodes(self._device.bundle()))
        if person is None or jid.device:
            return Node("user", {"jid": jid}, [Node("error", {"code": "404", "text": "item-not-found"})])
        return Node("user", {"jid": jid}, bundle_nodes(person.bundle()))

    def _store_keys(self, query: Node) -> list[Node]:
        self._device.store_keys(query)
        self._service.note("prekeys", "bot", str(len(self._device.prekeys)))
        return []

    def _users(self, query: Node) -> list[Node]:
        usync = query.child("usync")
        asked, users = query.child("usync", "query"), query.child("usync", "list")
        if usync is None or asked is None or users is None:
            return []
        wanted = {tag.tag for tag in asked.children()}
        answers = [self._user(user, wanted) for user in users.children("user")]
        return [Node("usync", dict(usync.attributes), [Node("result"), Node("list", {}, answers)])]

    def _user(self, user: Node, wanted: set[str]) -> Node:
        jid = user.attributes.get("jid")
        contact = user.child("contact")
        number = contact.content if contact is not None and isinstance(contact.content, bytes) else b""
        if not isinstance(jid, JID):
            # "+34600000001", or "34600000001@c.us" as the client library spells it
            digits = number.decode("ascii", "replace").partition("@")[0].lstrip("+")
            jid = JID(digits, PHONE_SERVER)
        person = self._service.person(jid)
        is_in = {"type": "in" if person else "out"}
        content = [Node("contact", is_in, number or None)] if "contact" in wanted else []
        if person is not None and "devices" in wanted:
            content.append(Node("devices", {}, [Node("device-list", {}, self._devices(jid))]))
        if person is not None and "lid" in wanted:
            content.append(Node("lid", {"val": JID(person.lid, "lid")}))
        return Node("user", {"jid": jid}, content)

    def _devices(self, jid: JID) -> list[Node]:
        attributes: list[dict[str, Value]] = [{"id": "0"}]
        if self._service.account.is_own(jid):
            attributes.append({"id": str(self._device.jid.device), "key-index": str(self._device.jid.device)})
        return [Node("device", device) for device in attributes]

    def _privacy(self, query: Node) -> list[Node]:
        categories = [Node("category", {"name": name, "value": value}) for name, value in _PRIVACY.items()]
        return [Node("privacy", {}, categories)]

    def _app_state(self, query: Node) -> list[Node]:
        sync = query.child("sync")
        collections = list(sync.children("collection")) if sync else []
        return [Node("sync", {}, [self._collection(collection) for collection in collections])]

    def _collection(self, collection: Node) -> Node:
        name, version = collection.text("name"), collection.text("version", "0")
        if name != app_state.COLLECTION or version != "0":
            return Node("collection", {"name": name, "version": version})
        patch = Node("patch", {}, self._phone.name_patch())
        attributes = {"name": name, "version": str(app_state.VERSION)}
        return Node("collection", attributes, [Node("patches", {}, [patch])])
