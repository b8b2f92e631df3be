"""wabot's own client and link, without the rest: each line on standard input kicks it.

Runs in a process of its own, started through the emulator's launcher: python kicked_client.py SESSION.sqlite.
A kick is a stop and a fresh connect. A bot ends after two in an hour: only this can show what many do.
"""

from __future__ import annotations

import os
import queue
import sys
from pathlib import Path

from wabot.link.dialer import Dialer
from wabot.whatsapp.client import WhatsAppClient
from wabot.whatsapp.signals import LinkSignal


def main() -> None:
    """Stay on the line until standard input is closed."""
    client = WhatsAppClient(Path(sys.argv[1]), "kicked")
    signals: queue.SimpleQueue[LinkSignal] = queue.SimpleQueue()
    client.listen(signals, lambda message: None)
    link = Dialer(client, signals)
    link.start()
    link.dial()
    for _ in sys.stdin:
        link.kick()
    os._exit(0)


if __name__ == "__main__":
    main()
