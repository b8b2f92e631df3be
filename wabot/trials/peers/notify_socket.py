"""Stands where systemd stands: takes what a service tells its manager."""

from __future__ import annotations

import secrets
import socket
import threading
import time


class NotifySocket:
    """An abstract datagram socket; a process finds it by NOTIFY_SOCKET=`address`."""

    def __init__(self) -> None:
        name = f"wabot-test-{secrets.token_hex(8)}"
        self.address = f"@{name}"
        self.messages: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{name}")
        self._thread = threading.Thread(target=self._listen, name="notify-socket", daemon=True)
        self._thread.start()

    @property
    def statuses(self) -> list[str]:
        """The status lines so far, in order."""
        return [message.removeprefix("STATUS=") for message in self.messages if message.startswith("STATUS=")]

    def shows(self, beginning: str) -> bool:
        """Whether the present status line begins like this."""
        return bool(self.statuses) and self.statuses[-1].startswith(beginning)

    def wait_for(self, message: str, timeout_seconds: float) -> None:
        """Wait until the service has said this; raises TimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        while message not in self.messages:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {message} within {timeout_seconds:g} s")
            time.sleep(0.001)

    def close(self) -> None:
        """End it."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(65_536):
            self.messages.append(message.decode("ascii"))
