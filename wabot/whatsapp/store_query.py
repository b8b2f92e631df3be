"""Asks the client library's store while the client has it open, from a process of its own.

Two copies of SQLite in one process do not see each other's locks; in two processes they do.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wabot.whatsapp.messages import Trace
from wabot.whatsapp.store import Traces, find_message_ids, read_traces

LOOKUP_SECONDS = 15.0
"""How long an answer is waited for; SQLite itself waits up to 5 s for another's lock."""


class StoreSilent(Exception):
    """The store gave no answer, for now."""


class OpenStore:
    """A store that this process has open.

    Args:
        path: of its file.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def message_ids(self, secrets: Iterable[bytes]) -> dict[bytes, str]:
        """As `store.find_message_ids`.

        Raises:
            StoreSilent: there was no answer in time.
        """
        answer = _ask({"path": self._path, "secrets": [secret.hex() for secret in secrets]})
        return {bytes.fromhex(secret): str(message_id) for secret, message_id in answer.items()}

    def traces(self, after: int) -> Traces:
        """As `store.read_traces`.

        Raises:
            StoreSilent: there was no answer in time.
        """
        answer = _ask({"path": self._path, "after": after})
        newest_first = tuple(Trace(**each) for each in answer["newest_first"])
        return Traces(answer["device"], answer["position"], newest_first)


def _ask(question: dict[str, Any]) -> Any:
    """Start the other process; the question goes through its standard input, which no one else can read."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=LOOKUP_SECONDS,
            check=True,
        )
        return json.loads(child.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise StoreSilent(f"the session store cannot be asked ({type(error).__name__})") from None


def main() -> int:
    """Answer one question."""
    question = json.load(sys.stdin)
    path = Path(question["path"])
    answer: dict[str, Any]
    if "secrets" in question:
        ids = find_message_ids(path, [bytes.fromhex(each) for each in question["secrets"]])
        answer = {secret.hex(): message_id for secret, message_id in ids.items()}
    else:
        answer = dataclasses.asdict(read_traces(path, question["after"]))
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
