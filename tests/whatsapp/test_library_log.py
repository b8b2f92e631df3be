from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from wabot.whatsapp.library_log import LibraryLog
from wabot.whatsapp.signals import LinkSignal, Signal


class Signals:
    """Keeps them in a list."""

    def __init__(self, kept: list[LinkSignal]) -> None:
        self.put = kept.append


@pytest.fixture
def heard() -> Iterator[tuple[LibraryLog, list[LinkSignal]]]:
    """A listener on the library's logger, whose level is as a quiet operator wants it."""
    logger = logging.getLogger("whatsmeow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    signals: list[LinkSignal] = []
    listener = LibraryLog(Signals(signals))
    listener.listen()
    yield listener, signals
    logger.removeHandler(listener)
    logger.setLevel(level)


@pytest.mark.parametrize(
    ("level", "line", "signal", "reason"),
    [
        (
            logging.INFO,
            "Successfully authenticated",
            Signal.AUTHENTICATED,
            "logged in; the library prepares the connection",
        ),
        (
            logging.ERROR,
            "Error reconnecting after autoreconnect sleep: failed to dial: proxyconnect tcp: dial tcp "
            "127.0.0.1:9: connect: connection refused",
            Signal.REDIAL_FAILED,
            "no connection to WhatsApp: connection refused",
        ),
        (
            logging.ERROR,
            "Failed to reconnect after 515 code: failed to dial whatsapp web websocket: EOF",
            Signal.REDIAL_GIVEN_UP,
            "the redial that WhatsApp asked for failed, and the library does not try again",
        ),
        (
            logging.WARNING,
            "Got 503 stream error, assuming automatic reconnect will handle it",
            Signal.STREAM_ERROR,
            "WhatsApp ended the stream (code 503)",
        ),
    ],
)
def test_a_line_that_is_a_signal(
    heard: tuple[LibraryLog, list[LinkSignal]], level: int, line: str, signal: Signal, reason: str
) -> None:
    logging.getLogger("whatsmeow.Client").log(level, line)
    assert heard[1] == [LinkSignal(signal, reason)]


@pytest.mark.parametrize(
    "line",
    [
        "Got 503/ connect failure, assuming automatic reconnect will handle it",
        "Error reading from websocket: EOF",
        "Not Successfully authenticated",
        "Successfully authenticated from 1@lid",
        "Ignoring message Failed to reconnect after 515 code: x from 1@lid: already processed",
        "Ignoring message Got 503 stream error, assuming automatic reconnect will handle it from 1@lid: x",
        "Got 503 stream error, assuming automatic reconnect will handle it from 1@lid: x",
        "Error decrypting message Error reconnecting after autoreconnect sleep: EOF from 1@lid: x",
        "",
    ],
)
def test_a_line_that_is_none(heard: tuple[LibraryLog, list[LinkSignal]], line: str) -> None:
    logging.getLogger("whatsmeow.Client").warning(line)
    assert heard[1] == []


def test_the_numbers_of_a_refusal(heard: tuple[LibraryLog, list[LinkSignal]]) -> None:
    line = 'Temporary ban connect failure: <failure code="107" expire="77" location="x" reason="402"/>'
    logging.getLogger("whatsmeow.Client").warning(line)
    assert heard[0].refusal() == {"code": 107, "expire": 77, "reason": 402}
    heard[0].forget_refusal()
    assert heard[1] == []


@pytest.mark.parametrize(
    "name", ["whatsmeow", "whatsmeow.Client.Recv", "whatsmeow.Other", "Whatsmeow.Database"]
)
def test_only_the_client_speaks_of_the_link(heard: tuple[LibraryLog, list[LinkSignal]], name: str) -> None:
    logging.getLogger(name).warning("Failed to reconnect after 515 code: EOF")
    assert heard[1] == []


@pytest.mark.parametrize(
    "line",
    [
        'Ignoring message Unknown connect failure: <failure reason="402" expire="9"/> from 1@lid: x',
        'Unknown connect failure: <failure reason="402" expire="9"/> from 1@lid: x',
        'Unknown connect failure: <failure x="<failure reason="402"/>',
    ],
)
def test_a_refusal_inside_what_a_stranger_wrote_is_none(
    heard: tuple[LibraryLog, list[LinkSignal]], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("wabot.whatsapp.library_log._REFUSAL_SECONDS", 0)
    logging.getLogger("whatsmeow.Client").warning(line)
    assert heard[0].refusal() == {}


@pytest.mark.parametrize(
    ("stanza", "numbers"),
    [
        ('<failure reason="418"', {}),
        ('<failure reason="abc" code="-1"/>', {}),
        ('<failure reason="999999999999999999999"/>', {}),
        ('<success reason="418"/>', {}),
        (f'<failure x="{"a" * 5000}" reason="1"/>', {}),
    ],
)
def test_rubbish_is_no_refusal(
    heard: tuple[LibraryLog, list[LinkSignal]],
    monkeypatch: pytest.MonkeyPatch,
    stanza: str,
    numbers: dict[str, int],
) -> None:
    monkeypatch.setattr("wabot.whatsapp.library_log._REFUSAL_SECONDS", 0)
    logging.getLogger("whatsmeow.Client").warning("Unknown connect failure: %s", stanza)
    assert heard[0].refusal() == numbers


def test_what_is_kept_from_linked_devices(heard: tuple[LibraryLog, list[LinkSignal]]) -> None:
    logger = logging.getLogger("whatsmeow.Client")
    line = 'Unavailable message %s from 1:2@lid%s (type: "%s")'
    threading.Timer(0.02, logger.warning, [line, "3A1", " in 7@g.us", "view_once"]).start()
    assert heard[0].unavailable_type("3A1") == "view_once"
    assert heard[0].unavailable_type("3A1") == ""
    logger.warning(line, "A1 from 1@lid (type: x)", "", "view_once")
    for number in range(200):
        logger.warning(line, number, "", "")
        logger.warning(line, f"n{number}", "", "view_once")
    assert heard[0].unavailable_type("7") == ""
    assert heard[0].unavailable_type("n7") == ""
    assert heard[0].unavailable_type("n199") == "view_once"
    assert len(heard[0]._unavailable) < 100


def test_a_refusal_that_is_logged_a_moment_later_is_waited_for(
    heard: tuple[LibraryLog, list[LinkSignal]],
) -> None:
    logger = logging.getLogger("whatsmeow.Client")
    logger.warning('Unknown connect failure: <failure reason="400"/>')
    heard[0].forget_refusal()
    line = 'Unknown connect failure: <failure reason="418"/>'
    threading.Timer(0.05, logger.warning, [line]).start()
    assert heard[0].refusal() == {"reason": 418}


def test_a_refusal_that_is_never_logged_is_not_waited_for_long(
    heard: tuple[LibraryLog, list[LinkSignal]],
) -> None:
    began = time.monotonic()
    assert heard[0].refusal() == {}
    assert time.monotonic() - began < 3


def test_a_new_hidden_id_of_the_account_is_heard(heard: tuple[LibraryLog, list[LinkSignal]]) -> None:
    listener, signals = heard
    logger = logging.getLogger("whatsmeow.Client")
    assert listener.lid == ""
    logger.info("Updated LID to 299000111222:7@lid")
    logger.info("Failed to decrypt Updated LID to 34600111222@lid")
    logger.info("Updated LID to 34600111222@lid and more")
    assert (listener.lid, signals) == ("299000111222", [])
