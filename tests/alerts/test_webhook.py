from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.alert_receivers import WebhookReceiver
from tests.support.owners_alerts import NOTICE
from wabot.alerts.notice import AlertNotice, NotDelivered
from wabot.alerts.webhook import Webhook


def test_webhook_says_it_for_programs_and_for_people(receiver: WebhookReceiver) -> None:
    Webhook(receiver.url).send(NOTICE)
    (call,) = receiver.calls
    assert call.content == {
        "type": "alert",
        "conditions": ["logged_out"],
        "account": "shop",
        "host": "vps-1",
        "at": "2026-11-22T10:00:00Z",
        "title": "wabot shop: la sesión de WhatsApp está cerrada",
        "text": f"{NOTICE.title}\n{NOTICE.body}",
    }
    assert "Qué hacer: mire el teléfono y vincúlelo de nuevo: wabot pair" in NOTICE.body
    assert "Detalle: the phone removed it (401)" in NOTICE.body
    assert "webhook-signature" not in call.headers


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_" + base64.b64encode(b"k" * 32).decode(), b"k" * 32),
        ("just a text", b"just a text"),
    ],
)
def test_signature(receiver: WebhookReceiver, secret: str, key: bytes) -> None:
    webhook = Webhook(receiver.url, secret)
    webhook.send(NOTICE)
    webhook.send(NOTICE)
    first, second = receiver.calls
    assert first.is_signed_with(key)
    assert not first.is_signed_with(b"another")
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == NOTICE.id


@pytest.mark.parametrize("status", [301, 307, 404, 500])
def test_what_is_not_taken_is_not_delivered(receiver: WebhookReceiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(NotDelivered, match=str(status)):
        Webhook(receiver.url).send(NOTICE)
    assert len(receiver.calls) == 1, "a redirect is not followed"


def test_an_error_does_not_show_the_address(receiver: WebhookReceiver) -> None:
    receiver.close()
    with pytest.raises(NotDelivered) as caught:
        Webhook(receiver.url).send(NOTICE)
    assert "T0KEN" not in str(caught.value)
    assert str(caught.value) == "the web address cannot be reached (nothing listens there)"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (301, True),
        (400, True),
        (401, True),
        (404, True),
        (410, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_what_a_web_address_answers_is_final_or_passes(
    receiver: WebhookReceiver, status: int, permanent: bool
) -> None:
    receiver.status = status
    with pytest.raises(NotDelivered) as caught:
        Webhook(receiver.url).send(NOTICE)
    assert caught.value.permanent is permanent


@given(
    kind=st.text(), conditions=st.text(), account=st.text(), title=st.text(), body=st.text(), host=st.text()
)
def test_no_text_reaches_the_headers_of_a_call(
    kind: str, conditions: str, account: str, title: str, body: str, host: str
) -> None:
    notice = AlertNotice("msg_1", kind, conditions, account, host, "now", title, body)
    headers = Webhook("http://127.0.0.1/", "secret")._headers(notice, body.encode("utf-8", "replace"))
    plain = Webhook("http://127.0.0.1/", "secret")._headers(NOTICE, b"")
    assert headers.keys() == plain.keys()
    for name, value in headers.items():
        assert re.fullmatch(r"[\x21-\x7e]+( [\x21-\x7e]+)*", value), name
