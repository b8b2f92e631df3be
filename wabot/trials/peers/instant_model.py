"""A model that answers at once, in a process of its own, for the benchmark.

Its answer is made before anybody asks, and it reads no more of a request than where that ends: what is
measured is what asking costs the bot.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from typing import Self

from wabot.trials.peers.model_behaviours import completion

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEADERS_END = b"\r\n\r\n"


class InstantModel:
    """The process, for a with block: `base_url` is what a provider is configured with.

    `answer` is what the model says, whatever it is asked.
    """

    def __init__(self, answer: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, answer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        # It ends with its standard input, and so with whoever started it.
        self._process.communicate()


def _answer_all(connection: socket.socket, response: bytes) -> None:
    """Answer each request of a connection until the client closes it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection:
        while True:
            headers, end, body = received.partition(_HEADERS_END)
            length = _LENGTH.search(headers)
            size = int(length[1]) if length else 0
            if end and len(body) >= size:
                connection.sendall(response)
                received = body[size:]
                continue
            more = connection.recv(65_536)
            if not more:
                return
            received += more


def _serve(listener: socket.socket, response: bytes) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer_all, args=(connection, response), daemon=True).start()


def main(answer: str) -> None:
    """Serve until standard input is closed; writes the address to standard output."""
    body = json.dumps(completion(answer)).encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=_serve, args=(listener, response), daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
