"""A bot's own client on the line, and what a second one in the same process does to it.

    second_client.py STORE (ours | library)

"ours": wabot makes another; "library": one is made behind its back. Prints what it finds, and ends when the
line does, or with the input.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path

from wabot.system.logs import configure_logging

configure_logging()
from neonize.client import NewClient  # noqa: E402 - after logging

from wabot.whatsapp.client import WhatsAppClient  # noqa: E402
from wabot.whatsapp.signals import LinkSignal  # noqa: E402

store, maker = Path(sys.argv[1]), sys.argv[2]
NAME = "wabot-shop"


def show(words: object) -> None:
    print(words, flush=True)


class Signals:
    def put(self, told: LinkSignal) -> None:
        show(told.signal.name)


client = WhatsAppClient(store, NAME)
client.listen(Signals(), lambda message: show(f"message {message.text}"))
line = threading.Thread(target=client.connect)
line.start()
sys.stdin.readline()
if maker == "ours":
    try:
        WhatsAppClient(store, NAME)
    except RuntimeError as error:
        show(error)
else:
    NewClient(str(store), uuid=NAME)
gc.collect()
show("collected")
threading.Thread(target=lambda: (line.join(), show("the line is dead"), os._exit(3)), daemon=True).start()
sys.stdin.readline()
os._exit(0)
