"""What the service answers to the client's queries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wabot.emulator.people.group import Group
from wabot.emulator.people.phone import OwnerPhone
from wabot.emulator.server.queries import Queries, failure
from wabot.emulator.wire.stanza import JID, SERVER, Node
from wabot.emulator.world.account import Device
from wabot.emulator.world.faults import Faults
from wabot.emulator.world.media import MEDIA_HOSTS
from wabot.emulator.world.service import Service
from wabot.emulator.world.timers import Timers


@pytest.fixture
def service() -> Iterator[Service]:
    timers = Timers()
    yield Service(1, Faults(lambda seconds: None), timers, "active")
    timers.stop()


@pytest.fixture
def queries(service: Service) -> Queries:
    phone = OwnerPhone(service)
    service.add_person(phone)
    device = Device(JID("1", "s.whatsapp.net", 1), JID("2", "lid", 1), bytes(32), 1, bytes(32), 1, b"", b"")
    return Queries(service, phone, device)


def query(xmlns: str, kind: str, content: list[Node], to: JID = SERVER) -> Node:
    return Node("iq", {"xmlns": xmlns, "type": kind, "id": "7", "to": to}, content)


def whether_on_whatsapp(queries: Queries, number: str) -> tuple[str, str, bytes]:
    user = Node("user", {}, [Node("contact", {}, number.encode())])
    asked = Node("usync", {"sid": "1"}, [Node("query", {}, [Node("contact")]), Node("list", {}, [user])])
    found = queries.answer(query("usync", "get", [asked])).child("usync", "list", "user")
    assert found is not None
    contact = found.child("contact")
    assert contact is not None
    return found.text("jid"), contact.text("type"), contact.data


@pytest.mark.parametrize("spelling", ["+{}", "{}", "{}@c.us"])
def test_whether_a_number_is_on_whatsapp(service: Service, queries: Queries, spelling: str) -> None:
    number = spelling.format(service.account.phone)
    assert whether_on_whatsapp(queries, number) == (
        f"{service.account.phone}@s.whatsapp.net",
        "in",
        number.encode(),
    )
    nobody = spelling.format("34999999999")
    assert whether_on_whatsapp(queries, nobody)[1:] == ("out", nobody.encode())


def test_a_group_and_all_groups(service: Service, queries: Queries) -> None:
    group = Group(service, "120363", "Club", [])
    service.groups["120363"] = group
    asked = query("w:g2", "get", [Node("query", {"request": "interactive"})], group.jid)
    assert queries.answer(asked).child("group") == group.metadata
    everything = queries.answer(query("w:g2", "get", [Node("participating")], JID("", "g.us")))
    assert everything.child("groups", "group") == group.metadata
    stranger = queries.answer(query("w:g2", "get", [Node("query")], JID("120364", "g.us")))
    assert stranger == failure(asked, 404)


@pytest.mark.parametrize(
    ("xmlns", "kind", "child"),
    [("blocklist", "set", "item"), ("w:m", "set", "upload"), ("encrypt", "get", "digest")],
)
def test_what_nobody_knows_is_said_so_and_noted(
    service: Service, queries: Queries, xmlns: str, kind: str, child: str
) -> None:
    asked = query(xmlns, kind, [Node(child)])
    assert queries.answer(asked) == failure(asked, 404)
    (noted,) = service.transcript.events()
    assert (noted.kind, noted.detail) == ("unknown query", f"{xmlns} {kind} {child}")


def test_what_is_taken_without_a_word(service: Service, queries: Queries) -> None:
    for xmlns, kind, child in (("passive", "set", "active"), ("privacy", "set", "tokens")):
        answer = queries.answer(query(xmlns, kind, [Node(child)]))
        assert (answer.text("type"), answer.content) == ("result", None)
    assert service.transcript.events() == []


def test_where_the_media_hosts_are(service: Service, queries: Queries) -> None:
    asked = query("w:m", "set", [Node("media_conn")])

    def ask() -> Node:
        told = queries.answer(asked).child("media_conn")
        assert told is not None
        return told

    told = ask()
    assert [host.text("hostname") for host in told.children("host")] == list(MEDIA_HOSTS)
    assert (told.text("auth"), told.text("ttl"), told.text("auth_ttl")) == (service.media.auth, "300", "300")
    service.media.expire_auth()
    assert ask().text("auth") == service.media.auth != told.text("auth")
    service.faults.media.spoil_list("no_hosts", times=1)
    service.faults.media.spoil_list("no_auth", times=1)
    assert list(ask().children()) == []
    assert ask().text("auth") == ""
    assert ask().text("auth") and list(ask().children("host"))
