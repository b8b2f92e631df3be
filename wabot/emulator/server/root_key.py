"""The one key that the client library trusts, in the memory of a process that has loaded it.

A program that is no wabot loads this module as well: it needs nothing but Python.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

PINNED_ROOT_KEY = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
"""The public key every certificate of WhatsApp's service ends in (whatsmeow handshake.go, WACertPubKey)."""

SERVICE = "web.whatsapp.com"
_HOSTS = (SERVICE, "mmg.whatsapp.net", "media-x1-1.cdn.whatsapp.net")
"""The hosts the client library dials (as in listener.py and media.py, which a bot does not load)."""

_MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw.. .*/neonize-linux-[^/]*\.so$")

LEADS_ELSEWHERE = (
    "HTTPS_PROXY leads to no proxy on this machine, so the bot would dial WhatsApp itself; set the variables "
    "that `wabot emulator` prints"
)


def patch_root_key(root_key: bytes) -> None:
    """Make the client library that is loaded trust `root_key` (32 bytes) instead of the pinned one.

    Raises RuntimeError unless the pinned key is found exactly once: then this is not the library this was
    written for.
    """
    places = [
        start + match.start()
        for start, end in _writable_mappings()
        for match in re.finditer(re.escape(PINNED_ROOT_KEY), ctypes.string_at(start, end - start))
    ]
    if len(places) != 1:
        raise RuntimeError(f"the pinned key stands {len(places)} times in the client library instead of once")
    ctypes.memmove(places[0], root_key, len(root_key))


def _writable_mappings() -> list[tuple[int, int]]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    matches = [match for line in lines if (match := _MAPPING.match(line))]
    return [(int(match[1], 16), int(match[2], 16)) for match in matches]


def leads_to_loopback(environ: Mapping[str, str]) -> bool:
    """Whether the client library's way to WhatsApp leads through a proxy on this machine, by Go's rules."""
    proxy = environ.get("HTTPS_PROXY") or environ.get("https_proxy") or ""
    try:
        host = urlsplit(proxy if "://" in proxy else f"http://{proxy}").hostname or ""
        is_here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_here = False
    spared = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    names = [each.strip().partition(":")[0].lstrip("*.") for each in spared.split(",") if each.strip()]
    return is_here and not any(
        not name or host == name or host.endswith(f".{name}") for name in names for host in _HOSTS
    )
