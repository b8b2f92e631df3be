"""The ways to the owner: e-mail and a web address. Each tries once, and says why when it fails."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit

import requests

from wabot import __version__
from wabot.alert_notices import Notice
from wabot.brain.http_deadline import Deadline, DeadlineSession
from wabot.models import utc_now
from wabot.settings import AlertSettings
from wabot.unreachable import why_unreachable

_HTTP_SECONDS = 15.0
_SMTP_SECONDS = 15.0
_SMTP_PORT, _SMTPS_PORT = 587, 465
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class NotDelivered(Exception):
    """A notice did not arrive; the text says why, without addresses that may hold secrets."""


class Channel(Protocol):
    """One way to the owner."""

    name: str

    def send(self, notice: Notice) -> None:
        """Deliver, or raise NotDelivered."""


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

    def send(self, notice: Notice) -> None:
        """Deliver, or raise NotDelivered."""
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
            raise NotDelivered(f"the web address answered {answer.status_code}")

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"wabot/{__version__}"}
        headers["webhook-id"] = notice.id
        headers["webhook-timestamp"] = timestamp = str(int(time.time()))
        if self._key:
            signed = f"{notice.id}.{timestamp}.".encode() + body
            digest = hmac.new(self._key, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


class Mail:
    """Sends e-mail through a mail server.

    `smtps://` is encrypted from the start, `smtp://` by STARTTLS, which is demanded; only a server on this
    very machine that wants no password is spoken to in the clear.

    Args:
        url: smtp(s)://USER:PASSWORD@HOST:PORT, with user and password percent-encoded.
        to: addresses.
        sender: the address it comes from; "" for the user's, where that is one, else the first of `to`.
    """

    name = "mail"

    def __init__(self, url: str, to: Sequence[str], sender: str = "") -> None:
        parts = urlsplit(url)
        self._tls_from_start = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (_SMTPS_PORT if self._tls_from_start else _SMTP_PORT)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._to = tuple(to)
        self._sender = sender or (self._user if "@" in parseaddr(self._user)[1] else self._to[0])

    def send(self, notice: Notice) -> None:
        """Deliver, or raise NotDelivered."""
        message = self._message(notice)
        try:
            with self._connect() as server:
                if self._user:
                    server.login(self._user, self._password)
                refused = server.send_message(message, self._sender, self._to)
        except smtplib.SMTPAuthenticationError as error:
            raise NotDelivered(f"the mail server refuses user and password ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise NotDelivered(f"the mail server answered {error.smtp_code}") from None
        except smtplib.SMTPNotSupportedError as error:
            # Such as AUTH, or letters with accents in an address; the text is smtplib's own.
            raise NotDelivered(f"the mail server cannot do what is wanted: {error}") from None
        except smtplib.SMTPRecipientsRefused:
            raise NotDelivered("the mail server refuses every address in alerts.to") from None
        except ssl.SSLError as error:
            raise NotDelivered(f"no encrypted connection to the mail server ({error.reason})") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"the mail server cannot be reached ({why_unreachable(error)})") from None
        if refused:
            raise NotDelivered(f"the mail server refuses {len(refused)} of the addresses in alerts.to")

    def _connect(self) -> smtplib.SMTP:
        trusted = ssl.create_default_context()
        if self._tls_from_start:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=_SMTP_SECONDS, context=trusted)
        server = smtplib.SMTP(self._host, self._port, timeout=_SMTP_SECONDS)
        if self._user or self._host not in _LOOPBACK:
            try:
                server.starttls(context=trusted)
            except smtplib.SMTPNotSupportedError:
                server.close()
                raise NotDelivered("the mail server offers no STARTTLS; use smtps://") from None
            except BaseException:
                server.close()
                raise
        return server

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        # A line break in a header would begin another header.
        message["Subject"] = " ".join(notice.title.split())
        message["Date"] = format_datetime(utc_now())
        # The same when it is tried again, so that a mailbox can drop the second copy.
        message["Message-ID"] = f"<{notice.id}@{_host_part(notice.host)}>"
        # RFC 3834: nothing should answer this by itself.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{notice.body}\n\n{notice.host}, {notice.at}\n")
        return message


def channels(settings: AlertSettings) -> list[Channel]:
    """The channels that are configured."""
    found: list[Channel] = []
    if settings.webhook_url:
        found.append(Webhook(settings.webhook_url, settings.webhook_secret))
    if settings.smtp_url and settings.to:
        found.append(Mail(settings.smtp_url, settings.to, settings.sender))
    return found


def own_host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def _signing_key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def _host_part(host: str) -> str:
    return (
        "".join(letter for letter in host if letter.isascii() and (letter.isalnum() or letter in ".-")) or "x"
    )
