"""Checks of the client library and of what it needs of the system."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import importlib.metadata
from datetime import UTC, datetime
from pathlib import Path

from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.system.units import UPGRADE

NEONIZE_VERSION = "0.5.2"
_OLD_LIBRARY_DAYS = 180


def check_neonize(examined: Examined) -> list[Finding]:
    """Whether the client library is the one that was measured, whole, and how old."""
    try:
        library = importlib.metadata.distribution("neonize")
    except importlib.metadata.PackageNotFoundError:
        return [problem("neonize", "the client library is not installed", "sudo scripts/install")]
    if library.version != NEONIZE_VERSION:
        text = f"version {library.version} is installed, but wabot was measured with {NEONIZE_VERSION}"
        return [problem("neonize", text, "sudo scripts/install")]
    if damaged := _damaged(library):
        return [problem("neonize", f"{damaged} is not as it was installed", "sudo scripts/install")]
    installed_at = datetime.fromtimestamp(_written_at(library), UTC).replace(tzinfo=None)
    days = (examined.now - installed_at).days
    if days > _OLD_LIBRARY_DAYS:
        text = f"version {library.version} was installed {days} days ago; WhatsApp shuts out old clients"
        return [problem("neonize", text, UPGRADE)]
    return [healthy("neonize", f"version {library.version}, installed {max(days, 0)} days ago")]


def check_libmagic(_examined: Examined) -> list[Finding]:
    """Whether the system library is there that neonize cannot be imported without."""
    try:
        ctypes.CDLL("libmagic.so.1")
    except OSError as error:
        return [problem("libmagic", f"it cannot be loaded: {error}", "sudo apt-get install -y libmagic1")]
    return [healthy("libmagic", "there")]


def _damaged(library: importlib.metadata.Distribution) -> Path | None:
    """The first of its shared objects that differs from what pip wrote down when it installed it."""
    for file in library.files or ():
        if file.suffix == ".so" and file.hash is not None and file.hash.mode == "sha256":
            path = Path(str(library.locate_file(file)))
            content = path.read_bytes() if path.is_file() else b""
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            if digest.rstrip("=") != file.hash.value:
                return path
    return None


def _written_at(library: importlib.metadata.Distribution) -> float:
    record = next((file for file in library.files or () if file.name == "RECORD"), None)
    return Path(str(library.locate_file(record))).stat().st_mtime if record else 0.0
