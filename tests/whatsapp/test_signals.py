from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.neonize_events import anything, events, jid
from wabot.whatsapp.signals import (
    LinkSignal,
    SendFailed,
    SendOutcome,
    Signal,
    banned,
    ended,
    logged_out,
    outcome,
    paired,
    pairing_outcome,
    redial_failed,
    refused,
    stream_ended,
)

YEAR_SECONDS = 365 * 86_400


def no_refusal() -> Mapping[str, int]:
    return {}


# Why a connection ended


@pytest.mark.parametrize(
    ("error", "signal", "reason"),
    [
        (
            "failed to dial whatsapp web websocket: dial tcp: connect: connection refused",
            *(Signal.DIAL_FAILED, "no connection to WhatsApp: connection refused"),
        ),
        ("noise handshake failed", Signal.DIAL_FAILED, "no connection to WhatsApp: noise handshake failed"),
        ("", Signal.DIAL_FAILED, "no connection to WhatsApp: "),
        (
            "failed to open: database is locked (5)",
            *(Signal.DIAL_FAILED, "another program has the session store locked"),
        ),
        *(
            (
                f"failed to upgrade database: {why}",
                Signal.DIAL_FAILED,
                "the disk is full, and the session store takes nothing",
            )
            for why in ("disk I/O error: no space left on device", "database or disk is full (13)")
        ),
        (
            "failed to upgrade database: file is not a database",
            Signal.STORE_FAILED,
            "the session store cannot be used (failed to upgrade database: file is not a database): "
            "sudo wabot doctor names the commands that help",
        ),
        (
            "database disk image is malformed",
            Signal.STORE_FAILED,
            "the session store cannot be used (database disk image is malformed): "
            "sudo wabot doctor names the commands that help",
        ),
        (
            "proto: required field neonize.ChatPresence.State not set",
            Signal.EVENTS_STOPPED,
            "the client library stopped handing over events "
            "(proto: required field neonize.ChatPresence.State not set)",
        ),
    ],
)
def test_why_a_connection_ended(error: str, signal: Signal, reason: str) -> None:
    assert ended(error, no_refusal) == LinkSignal(signal, reason)


@pytest.mark.parametrize(
    ("error", "numbers", "expected"),
    [
        (
            "proto: required field neonize.TemporaryBan.Code not set",
            {"code": 107, "expire": 600},
            LinkSignal(Signal.TEMPORARY_BAN, "temporarily banned: for a new reason (107)", 600.0),
        ),
        (
            "proto: required field neonize.TemporaryBan.Code not set",
            {},
            LinkSignal(Signal.TEMPORARY_BAN, "temporarily banned: for a new reason (?)", 3600.0),
        ),
        (
            "proto: required field neonize.ConnectFailure.Reason not set",
            {"reason": 415},
            LinkSignal(Signal.CONNECT_FAILURE, "WhatsApp refused the login (code 415)"),
        ),
        (
            "proto: required field neonize.ConnectFailure.Reason not set",
            {},
            LinkSignal(Signal.CONNECT_FAILURE, "WhatsApp refused the login (code unknown)"),
        ),
    ],
)
def test_a_refusal_the_library_has_no_name_for(
    error: str, numbers: Mapping[str, int], expected: LinkSignal
) -> None:
    assert ended(error, lambda: numbers) == expected


def test_only_a_refusal_is_looked_for_in_the_log() -> None:
    def must_not_wait() -> Mapping[str, int]:
        raise AssertionError

    assert ended("connection refused", must_not_wait).signal is Signal.DIAL_FAILED


@pytest.mark.parametrize(
    ("status", "shown_seconds", "signal", "part"),
    [
        ("passkey-request", 10, Signal.PASSKEY_REQUIRED, "asks for a passkey"),
        ("err-client-outdated", 0, Signal.CLIENT_OUTDATED, "upgrade wabot"),
        ("timeout", 160.2, Signal.PAIRING_FAILED, "nobody scanned the code in time"),
        ("timeout", 20, Signal.PAIRING_FAILED, "the connection was lost while the code was on show"),
        ("error", 20, Signal.PAIRING_FAILED, "the phone could not be linked (error)"),
        ("err-unexpected-state", 20, Signal.PAIRING_FAILED, "(err-unexpected-state)"),
        ("", 20, Signal.PAIRING_FAILED, "the phone could not be linked"),
    ],
)
def test_what_became_of_a_pairing(status: str, shown_seconds: float, signal: Signal, part: str) -> None:
    told = pairing_outcome(status, shown_seconds)
    assert told is not None
    assert told.signal is signal
    assert part in told.reason


def test_a_pairing_that_succeeded_goes_on() -> None:
    assert pairing_outcome("success", 20) is None


@pytest.mark.parametrize(("code", "shown"), [("516", "516"), ("", "none")])
def test_a_stream_that_ended(code: str, shown: str) -> None:
    assert stream_ended(code) == LinkSignal(Signal.STREAM_ERROR, f"WhatsApp ended the stream (code {shown})")


def test_a_redial_that_failed_says_only_why() -> None:
    assert redial_failed("failed to dial: dial tcp 1.2.3.4:443: i/o timeout") == LinkSignal(
        Signal.REDIAL_FAILED, "no connection to WhatsApp: i/o timeout"
    )


@given(st.text(), st.dictionaries(st.sampled_from(["reason", "code", "expire"]), st.integers()))
def test_no_error_text_breaks_anything(error: str, numbers: dict[str, int]) -> None:
    for text in (error, "required field TemporaryBan" + error, "required field ConnectFailure" + error):
        assert 0 <= ended(text, lambda: numbers).wait_seconds <= YEAR_SECONDS
    assert outcome(error) in SendOutcome


# What became of a message


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("failed to send message node: websocket not connected", SendOutcome.NOT_SENT),
        (
            "failed to get user info for 34600@s.whatsapp.net to fill LID cache: websocket disconnected "
            "before info query returned response",
            SendOutcome.NOT_SENT,
        ),
        ("failed to get device list: failed to send usync query: info query timed out", SendOutcome.NOT_SENT),
        ("the store doesn't contain a device JID", SendOutcome.NOT_SENT),
        ("client is nil", SendOutcome.NOT_SENT),
        ("server returned error 463", SendOutcome.SHUT_OUT),
        ("no LID found for 34600@s.whatsapp.net from server", SendOutcome.REFUSED),
        *(
            (f"{beginning} {code}{end}", expected)
            for beginning, end in (
                ("server returned error", ""),
                ("failed to get device list: info query returned status", ": rate-overlimit"),
                (
                    "failed to get user info for 34600@s.whatsapp.net to fill LID cache: "
                    "failed to send usync query: info query returned status",
                    ": service-unavailable",
                ),
            )
            for expected, codes in (
                (SendOutcome.REFUSED, (400, 401, 403, 404, 406, 410, 420, 479, 4080, 5030)),
                (SendOutcome.BUSY, (408, 500, 502, 503, 504, 599)),
                (SendOutcome.THROTTLED, (429,)),
            )
            for code in codes
        ),
        ("timed out waiting for message send response", SendOutcome.IN_DOUBT),
        ("websocket disconnected before message send returned response", SendOutcome.IN_DOUBT),
        ("websocket disconnected before message send (retry) returned response", SendOutcome.IN_DOUBT),
        # The frame had left, and the connection for its second copy was gone again.
        ("websocket not connected", SendOutcome.IN_DOUBT),
        ("failed to send message node: write: broken pipe", SendOutcome.IN_DOUBT),
        ("something nobody has seen yet", SendOutcome.IN_DOUBT),
        ("", SendOutcome.IN_DOUBT),
    ],
)
def test_what_became_of_a_message(error: str, expected: SendOutcome) -> None:
    assert outcome(error) is expected


def test_a_failed_send_says_why() -> None:
    failure = SendFailed(SendOutcome.REFUSED, "server returned error 463")
    assert (failure.outcome, str(failure)) == (SendOutcome.REFUSED, "server returned error 463")


# Events


def test_paired() -> None:
    found = paired(events.PairStatus(ID=jid("34600111222:15@s.whatsapp.net")))
    assert found == LinkSignal(
        Signal.PAIRED, "the phone accepted; logging in", detail="34600111222@s.whatsapp.net"
    )


@pytest.mark.parametrize(
    ("name", "code"), [("LOGGED_OUT", "401"), ("MAIN_DEVICE_GONE", "403"), ("UNKNOWN_LOGOUT", "406")]
)
def test_each_way_of_being_logged_out_has_its_own_sentence(name: str, code: str) -> None:
    found = logged_out(events.LoggedOut(OnConnect=True, Reason=name))
    assert (found.signal, found.detail) == (Signal.LOGGED_OUT, name)
    assert f"({code})" in found.reason
    assert found.reason.endswith("pair again")


def test_a_logout_for_another_reason() -> None:
    found = logged_out(events.LoggedOut(OnConnect=True, Reason="GENERIC"))
    assert found.reason == "WhatsApp logged this device out (generic); pair again"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SEND_TO_TOO_MANY_PEOPLE", "101"),
        ("BLOCKED_BY_USERS", "102"),
        ("CREATED_TOO_MANY_GROUPS", "103"),
        ("SENT_TOO_MANY_SAME_MESSAGE", "104"),
        ("BROADCAST_LIST", "106"),
    ],
)
def test_a_ban_says_why_and_how_long(name: str, code: str) -> None:
    found = banned(events.TemporaryBan(Code=name, Expire=7200))
    assert (found.signal, found.wait_seconds) == (Signal.TEMPORARY_BAN, 7200.0)
    assert found.reason.startswith("temporarily banned: ")
    assert found.reason.endswith(f"({code})")


@pytest.mark.parametrize(
    ("expire", "seconds"),
    [(0, 3600.0), (-1, 3600.0), (1, 1.0), (2**63 - 1, float(YEAR_SECONDS)), (-(2**63), 3600.0)],
)
def test_a_ban_without_a_sensible_end(expire: int, seconds: float) -> None:
    assert banned(events.TemporaryBan(Code="BLOCKED_BY_USERS", Expire=expire)).wait_seconds == seconds


@pytest.mark.parametrize(("name", "code"), [("GENERIC", 400), ("BAD_USER_AGENT", 409), ("EXPERIMENTAL", 501)])
def test_a_refused_login_is_named_by_the_services_own_code(name: str, code: int) -> None:
    found = refused(events.ConnectFailure(Reason=name))
    assert found == LinkSignal(Signal.CONNECT_FAILURE, f"WhatsApp refused the login (code {code})")


@pytest.mark.parametrize(
    ("translate", "event_class", "signal"),
    [
        (paired, events.PairStatus, Signal.PAIRED),
        (logged_out, events.LoggedOut, Signal.LOGGED_OUT),
        (banned, events.TemporaryBan, Signal.TEMPORARY_BAN),
        (refused, events.ConnectFailure, Signal.CONNECT_FAILURE),
    ],
)
def test_an_event_with_nothing_in_it_still_means_something(
    translate: Any, event_class: Any, signal: Signal
) -> None:
    assert translate(event_class()).signal is signal


@given(
    anything(events.PairStatus),
    anything(events.LoggedOut),
    anything(events.TemporaryBan),
    anything(events.ConnectFailure),
)
def test_no_event_breaks_anything(pairing: Any, logout: Any, ban: Any, refusal: Any) -> None:
    assert "\0" not in paired(pairing).detail
    assert logged_out(logout).reason
    assert 0 < banned(ban).wait_seconds <= YEAR_SECONDS
    assert refused(refusal).reason
