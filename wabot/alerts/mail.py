"""Alerts by e-mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from wabot.alerts.notice import AlertNotice, NotDelivered
from wabot.clock import local_text, utc_now
from wabot.system.http import why_unreachable

_SMTP_SECONDS = 15.0
_SMTP_PORT, _SMTPS_PORT = 587, 465
_FINAL = 500  # RFC 5321, 4.2.1: 4yz may be another time, 5yz is not to be repeated
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


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

    def send(self, notice: AlertNotice) -> None:
        """Deliver a notice, or raise NotDelivered."""
        message = self._message(notice)
        try:
            with self._connect() as server:
                if self._user:
                    server.login(self._user, self._password)
                refused = server.send_message(message, self._sender, self._to)
        except smtplib.SMTPAuthenticationError as error:
            why = f"the mail server refuses user and password ({error.smtp_code})"
            raise NotDelivered(why, permanent=error.smtp_code >= _FINAL) from None
        except smtplib.SMTPResponseException as error:
            why = f"the mail server answered {error.smtp_code}"
            raise NotDelivered(why, permanent=error.smtp_code >= _FINAL) from None
        except smtplib.SMTPNotSupportedError as error:
            # Such as AUTH, or letters with accents in an address; the text is smtplib's own.
            raise NotDelivered(f"the mail server cannot do what is wanted: {error}", permanent=True) from None
        except smtplib.SMTPRecipientsRefused as error:
            why = "the mail server refuses every address in alerts.to"
            raise NotDelivered(why, permanent=_is_final(error.recipients)) from None
        except ssl.SSLError as error:
            raise NotDelivered(f"no encrypted connection to the mail server ({error.reason})") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"the mail server cannot be reached ({why_unreachable(error)})") from None
        if refused:
            why = f"the mail server refuses {len(refused)} of the addresses in alerts.to"
            raise NotDelivered(why, permanent=_is_final(refused))

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
                raise NotDelivered(
                    "the mail server offers no STARTTLS; use smtps://", permanent=True
                ) from None
            except BaseException:
                server.close()
                raise
        return server

    def _message(self, notice: AlertNotice) -> EmailMessage:
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
        message.set_content(f"{notice.body}\n\n{notice.host}, {_shown(notice.at)}\n")
        return message


def _is_final(refused: Mapping[str, tuple[int, bytes]]) -> bool:
    """Whether a mail server that refuses some addresses would do so another time, too."""
    return all(code >= _FINAL for code, _ in refused.values())


def _host_part(host: str) -> str:
    return (
        "".join(letter for letter in host if letter.isascii() and (letter.isalnum() or letter in ".-")) or "x"
    )


def _shown(at: str) -> str:
    """The time of a notice for people; it is stored as programs read it."""
    try:
        return local_text(datetime.fromisoformat(at))
    except ValueError:
        return at
