"""Messages decoded by neonize's own protobuf classes, in a process of its own and without its library."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

# A stand-in package with neonize's path keeps neonize/__init__.py, which starts the library, from running.
_PROGRAM = """
import importlib.util, json, sys, types
package = types.ModuleType("neonize")
package.__path__ = list(importlib.util.find_spec("neonize").submodule_search_locations)
sys.modules["neonize"] = package
from google.protobuf.json_format import MessageToDict
from neonize.proto.waAdv.WAAdv_pb2 import *
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
from neonize.proto.waServerSync.WAWebProtobufsServerSync_pb2 import SyncdPatch
from neonize.proto.waSyncAction.WAWebProtobufSyncAction_pb2 import SyncActionData
for line in sys.stdin:
    name, data = line.split(",")
    message = globals()[name]()
    message.ParseFromString(bytes.fromhex(data))
    print(json.dumps(MessageToDict(message)))
"""


def decode_all(*messages: tuple[str, bytes]) -> list[dict[str, Any]]:
    """Each (class name, bytes) as a dictionary: bytes in base64, 64-bit integers as text."""
    lines = "".join(f"{name},{data.hex()}\n" for name, data in messages)
    command = [sys.executable, "-c", _PROGRAM]
    finished = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in finished.stdout.splitlines()]


def decode(name: str, data: bytes) -> dict[str, Any]:
    """One message of class `name`, as `decode_all` gives it."""
    return decode_all((name, data))[0]
