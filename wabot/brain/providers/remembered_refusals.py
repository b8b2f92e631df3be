"""Remembers for a while which texts a provider refused, so that it is not asked them again and again."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

_REMEMBERED_SECONDS = 3600.0
_MOST = 1000


class Refusals:
    """What one provider refused lately. Safe to share by threads; told the time in monotonic seconds.

    No text is kept, only a number that none can be told from.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secret = os.urandom(16)
        self._until: dict[bytes, float] = {}

    def add(self, messages: Sequence[Mapping[str, Any]], now: float) -> None:
        """Remember that these were refused."""
        with self._lock:
            while len(self._until) >= _MOST:
                del self._until[next(iter(self._until))]
            self._until[self._print_of(messages)] = now + _REMEMBERED_SECONDS

    def knows(self, messages: Sequence[Mapping[str, Any]], now: float) -> bool:
        """Whether these were refused within the last hour."""
        if not self._until:
            return False
        with self._lock:
            return self._until.get(self._print_of(messages), now) > now

    def _print_of(self, messages: Sequence[Mapping[str, Any]]) -> bytes:
        """A number for what was said; what the system says is left out, because it holds the time of day."""
        digest = hashlib.blake2b(key=self._secret, digest_size=16)
        for message in messages:
            if message["role"] != "system":
                pictures = [str(picture.path) for picture in message.get("pictures", ())]
                said = "\0".join([message["role"], message["content"], *pictures, ""])
                digest.update(said.encode(errors="surrogatepass"))
        return digest.digest()
