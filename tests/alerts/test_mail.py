from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from tests.support.alert_receivers import MailServer
from tests.support.owners_alerts import NOTICE, TO
from wabot.alerts.mail import Mail
from wabot.alerts.notice import AlertNotice, NotDelivered


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for localhost that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def test_mail_on_this_machine_in_the_clear() -> None:
    with MailServer() as server:
        Mail(f"smtp://localhost:{server.port}", TO).send(NOTICE)
    (message,) = server.messages
    assert server.recipients == [list(TO)]
    assert message["Subject"] == NOTICE.title
    assert (message["From"], message["To"]) == (TO[0], ", ".join(TO))
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{NOTICE.id}@vps-1>"
    assert message.get_content().replace("\r\n", "\n").startswith(NOTICE.body)


@pytest.mark.parametrize("tls_from_start", [False, True])
def test_mail_with_password_is_encrypted(certificate: ssl.SSLContext, tls_from_start: bool) -> None:
    scheme = "smtps" if tls_from_start else "smtp"
    with MailServer(certificate, tls_from_start=tls_from_start, password="p@ss/word") as server:
        url = f"{scheme}://bot%40example.com:p%40ss%2Fword@localhost:{server.port}"
        Mail(url, TO).send(NOTICE)
    assert server.logins == [("bot@example.com", "p@ss/word")]
    assert server.encrypted == [True]
    assert server.messages[0]["From"] == "bot@example.com"


def test_a_password_never_goes_in_the_clear() -> None:
    with MailServer(password="secret") as server:
        with pytest.raises(NotDelivered, match="offers no STARTTLS"):
            Mail(f"smtp://bot:secret@localhost:{server.port}", TO).send(NOTICE)
        assert server.logins == []


@pytest.mark.parametrize("tls_from_start", [False, True])
def test_a_certificate_nobody_vouches_for_is_refused(tls_from_start: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    scheme = "smtps" if tls_from_start else "smtp"
    with MailServer(context, tls_from_start=tls_from_start, password="secret") as server:
        with pytest.raises(NotDelivered, match="no encrypted connection"):
            Mail(f"{scheme}://bot:secret@localhost:{server.port}", TO).send(NOTICE)
        assert server.logins == []


def test_a_wrong_password_and_refused_addresses_are_said(certificate: ssl.SSLContext) -> None:
    with MailServer(certificate, password="right") as server:
        with pytest.raises(NotDelivered, match="refuses user and password") as caught:
            Mail(f"smtp://bot:wr0ng@localhost:{server.port}", TO).send(NOTICE)
        assert "wr0ng" not in str(caught.value)
    with MailServer(refuse="example.com") as server, pytest.raises(NotDelivered, match="every address"):
        Mail(f"smtp://localhost:{server.port}", TO).send(NOTICE)
    with MailServer(refuse="second") as server, pytest.raises(NotDelivered, match="1 of the addresses"):
        Mail(f"smtp://localhost:{server.port}", TO).send(NOTICE)


def test_what_a_mail_server_refuses_is_final_and_that_it_is_away_is_not(certificate: ssl.SSLContext) -> None:
    def is_permanent(url: str) -> bool:
        with pytest.raises(NotDelivered) as caught:
            Mail(url, TO).send(NOTICE)
        return caught.value.permanent

    with MailServer(certificate, password="right") as server:
        assert is_permanent(f"smtp://bot:wr0ng@localhost:{server.port}")
    for refuse in ("example.com", "second"):
        with MailServer(refuse=refuse) as server:
            assert is_permanent(f"smtp://localhost:{server.port}")
    with MailServer() as server:
        assert is_permanent(f"smtp://bot:secret@localhost:{server.port}"), "no STARTTLS"
    assert not is_permanent(f"smtp://localhost:{server.port}")


def test_no_mail_server() -> None:
    server = MailServer()
    server.close()
    with pytest.raises(NotDelivered, match=r"cannot be reached \(nothing listens there\)"):
        Mail(f"smtp://localhost:{server.port}", TO).send(NOTICE)


@given(title=st.text(), body=st.text(), host=st.text())
def test_no_text_can_forge_a_header(title: str, body: str, host: str) -> None:
    notice = AlertNotice("msg_1", "alert", "failed", "shop", host, "now", title, body)
    raw = Mail("smtp://localhost", TO)._message(notice).as_bytes()
    head, _, _ = raw.partition(b"\n\n")
    names = [line.partition(b":")[0] for line in head.split(b"\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(set(names))
    assert set(names) <= {
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted"),
        *(b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding"),
    }
