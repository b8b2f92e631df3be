"""Runs `wabot` as it would run for an account that asks for a passkey: the emulator knows of none.

The client library's own call for it is made here, at the moment when it would make it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from wabot.cli.parser import entry_point
from wabot.system.logs import configure_logging

configure_logging()
from wabot.whatsapp.client import WhatsAppClient  # noqa: E402 - after logging

_STATUS = ctypes.create_string_buffer(b"passkey-request")


def ask_for_passkey(client: WhatsAppClient, _library: Any, _code: bytes) -> None:
    """In place of the QR code."""
    client._on_login_status(0, ctypes.addressof(_STATUS))


WhatsAppClient._on_qr = ask_for_passkey  # type: ignore[method-assign]
entry_point()
