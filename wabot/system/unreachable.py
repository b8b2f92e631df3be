"""Says in plain words why a connection did not come about."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3

_MOST_LOOKED_AT = 20
_Phrases = tuple[tuple[tuple[type[BaseException], ...], str], ...]
_PHRASES: _Phrases = (
    ((socket.gaierror,), "nobody knows its name; is the address right, and the name server reachable?"),
    (
        (ssl.SSLCertVerificationError,),
        "its certificate is not trusted, has expired, or is that of another name",
    ),
    ((ssl.SSLError,), "no encrypted connection; is it the right port, and https where it ought to be?"),
    ((ConnectionRefusedError,), "nothing listens there"),
    ((ConnectionError, urllib3.exceptions.ProtocolError), "the connection was cut"),
    ((requests.exceptions.InvalidURL, urllib3.exceptions.LocationParseError), "its address is none"),
)
# After the operating system's reason: urllib3 calls each connection that failed a time-out, too.
_TIMEOUTS: _Phrases = (
    ((TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError), "no answer in time"),
)


def why_unreachable(error: BaseException) -> str:
    """The reason behind an error of requests, urllib3, smtplib or the operating system.

    The text holds nothing of the error's own, which may quote an address with a secret in it. urllib3 2 tells
    the reason in its errors' `reason`, arguments and causes, and requests wraps those once more.

    Returns:
        A phrase for people, as "nothing listens there".
    """
    behind = list(_behind(error))
    is_proxy = any(isinstance(each, urllib3.exceptions.ProxyError) for each in behind)
    phrase = _phrase(behind, _PHRASES) or _system(behind) or _phrase(behind, _TIMEOUTS)
    if is_proxy:
        return f"through the proxy: {phrase or 'it refuses'}"
    return phrase or f"it does not behave as it should, {type(error).__name__}"


def _phrase(behind: list[BaseException], phrases: _Phrases) -> str:
    for kinds, phrase in phrases:
        if any(isinstance(each, kinds) for each in behind):
            return phrase
    return ""


def _system(behind: list[BaseException]) -> str:
    """What the operating system calls it."""
    codes = (each.errno for each in behind if isinstance(each, OSError) and each.errno)
    return next((os.strerror(code).lower() for code in codes), "")


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error, and what is said to have led to it, the nearest first."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST_LOOKED_AT:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        led_to_it = (getattr(each, "reason", None), each.__cause__, *each.args, each.__context__)
        waiting += [other for other in led_to_it if isinstance(other, BaseException)]
