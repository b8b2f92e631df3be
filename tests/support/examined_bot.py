"""What the doctor finds in a bot, and a model and a WhatsApp for it to ask."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from wabot.clock import utc_now
from wabot.database.engine import migrate, open_database
from wabot.doctor.examination import examine
from wabot.doctor.finding import Finding


@contextlib.contextmanager
def database(url: str) -> Iterator[Any]:
    """A database with wabot's tables."""
    opened = open_database(url)
    migrate(opened)
    yield opened
    opened.close()


def illnesses(file: Path, *, online: bool = False, now: datetime | None = None) -> dict[str, Finding]:
    """What is wrong, by the names of the checks; all of it has a cure and is told on one line."""
    found = examine(file, dict(os.environ), now or utc_now(), online=online)
    ill = {finding.name: finding for finding in found if not finding.ok}
    assert all(finding.cure for finding in ill.values())
    assert all("\n" not in finding.text.strip() for finding in found)
    return ill


class SomeServer(BaseHTTPRequestHandler):
    """Answers everything with the same status."""

    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"choices": [{"message": {"role": "assistant", "content": "ready"}}]}'
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
