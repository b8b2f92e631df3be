"""Alerts to a web address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import requests

from wabot import __version__
from wabot.alerts.notice import AlertNotice, NotDelivered
from wabot.clock import process_clock
from wabot.config.load import BASE64_FOLLOWS
from wabot.system.http import Deadline, DeadlineSession, why_unreachable

_HTTP_SECONDS = 15.0
# Below 500, these say that the same call may be taken later.
_PASSING = frozenset({408, 409, 421, 423, 424, 425, 429})


class Webhook:
    """Posts JSON to a web address.

    With a secret each call is signed as the Standard Webhooks specification says: `webhook-signature` is
    "v1," and the base64 HMAC-SHA256 of "ID.TIMESTAMP.BODY". A notice keeps its `webhook-id` when it is tried
    again, so a receiver can tell that it has it already.

    Args:
        url: where to.
        secret: "whsec_" and base64, or any other text as it is; "" for no signature.
    """

    name = "webhook"

    def __init__(self, url: str, secret: str = "") -> None:
        self._url = url
        self._key = _signing_key(secret)

    def send(self, notice: AlertNotice) -> None:
        """Deliver a notice, or raise NotDelivered."""
        body = json.dumps(
            {
                "type": notice.kind,
                "conditions": notice.conditions.split(),
                "account": notice.account,
                "host": notice.host,
                "at": notice.at,
                "title": notice.title,
                # What chat services such as Slack and Mattermost show.
                "text": f"{notice.title}\n{notice.body}",
            },
            ensure_ascii=False,
        ).encode()
        with DeadlineSession() as session, Deadline(_HTTP_SECONDS) as deadline:
            try:
                # A redirect would carry the signed text to another place.
                answer = session.post(
                    self._url,
                    data=body,
                    headers=self._headers(notice, body),
                    timeout=_HTTP_SECONDS,
                    allow_redirects=False,
                    stream=True,
                )
                answer.close()
            except (requests.RequestException, OSError, ValueError) as error:
                # The error's own text would show the address.
                why = "no answer in time" if deadline.expired else why_unreachable(error)
                raise NotDelivered(f"the web address cannot be reached ({why})") from None
        if not 200 <= answer.status_code < 300:
            is_final = answer.status_code < 500 and answer.status_code not in _PASSING
            raise NotDelivered(f"the web address answered {answer.status_code}", permanent=is_final)

    def _headers(self, notice: AlertNotice, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"wabot/{__version__}"}
        headers["webhook-id"] = notice.id
        headers["webhook-timestamp"] = timestamp = str(int(process_clock.now()))
        if self._key:
            signed = f"{notice.id}.{timestamp}.".encode() + body
            digest = hmac.new(self._key, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


def _signing_key(secret: str) -> bytes:
    if secret.startswith(BASE64_FOLLOWS):
        return base64.b64decode(secret.removeprefix(BASE64_FOLLOWS), validate=True)
    return secret.encode()
