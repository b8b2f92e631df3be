"""A client that fetches and sends files as it is told: a line of JSON on stdin for each.

    media_client.py STORE

    {"do": "download", "id": MESSAGE, "inside": WHETHER IN WHAT THE LIBRARY LEAVES WRAPPED}
    {"do": "send", "kind": KIND, "content": HEX, "to": JID}

Reports as raw_echo.py does, and {"event": "downloaded", "id": ..., "content": HEX, "error": ""}, {"event":
"sent", "kind": ..., "error": ""}.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from argparse import Namespace
from typing import Any

from wabot.trials.peers.raw_echo import connect, describe, make_client, tell

from neonize.events import MessageEv  # isort: skip - after what redirects its prints
from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as waE2E  # isort: skip
from neonize.utils.enum import MediaType  # isort: skip
from neonize.utils.jid import build_jid  # isort: skip

KINDS = {
    "image": (MediaType.MediaImage, "imageMessage", {"mimetype": "image/jpeg", "caption": "Our pot"}),
    "document": (
        MediaType.MediaDocument,
        "documentMessage",
        {"mimetype": "application/pdf", "fileName": "prices.pdf", "title": "prices"},
    ),
    "voice": (
        MediaType.MediaAudio,
        "audioMessage",
        {"mimetype": "audio/ogg; codecs=opus", "PTT": True, "seconds": 7, "waveform": bytes(64)},
    ),
}

client = make_client(
    Namespace(session=sys.argv[1], phone=None, listen=True, groups=False, receipts=False, polite=False)
)
messages: dict[str, Any] = {}


@client.event(MessageEv)
def on_message(_: object, event: MessageEv) -> None:
    messages[event.Info.ID] = event.Message
    tell("message", **describe(event), media_type=event.Info.MediaType)


def download(command: dict[str, Any]) -> None:
    message = messages[command["id"]]
    if command["inside"]:
        message = message.associatedChildMessage.message
    content, error = b"", ""
    try:
        content = client.download_any(message) or b""
    except Exception as raised:  # noqa: BLE001  (whatever neonize raises is the report)
        error = str(raised)
    tell("downloaded", id=command["id"], content=content.hex(), error=error)


def send(command: dict[str, Any]) -> None:
    kind = command["kind"]
    user, _, server = command["to"].partition("@")
    error = ""
    try:
        if kind == "location":
            place = waE2E.LocationMessage(degreesLatitude=39.47, degreesLongitude=-0.37, name="Shop")
            message = waE2E.Message(locationMessage=place)
        else:
            media_type, name, more = KINDS[kind]
            up = client.upload(bytes.fromhex(command["content"]), media_type)
            message = waE2E.Message()
            said = getattr(message, name)
            said.URL, said.directPath, said.mediaKey = up.url, up.DirectPath, up.MediaKey
            said.fileSHA256, said.fileEncSHA256 = up.FileSHA256, up.FileEncSHA256
            said.fileLength = up.FileLength
            for key, value in more.items():
                setattr(said, key, value)
        client.send_message(build_jid(user, server), message)
    except Exception as raised:  # noqa: BLE001
        error = str(raised)
    tell("sent", kind=kind, error=error)


threading.Thread(target=connect, args=[client], daemon=True).start()
for line in sys.stdin:
    asked = json.loads(line)
    does = download if asked["do"] == "download" else send
    # Some never come back.
    threading.Thread(target=does, args=[asked], daemon=True).start()
os._exit(0)
