"""Knows which chats are receiving an album: pictures that come one by one, and are answered together."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

BETWEEN_SECONDS = 10.0
"""For so long the next picture is waited for: a phone sends each when it has uploaded it."""
LONGEST_SECONDS = 45.0
"""An album that never becomes whole holds its answer for no longer."""
_KEPT_ALBUMS = 200


@dataclass(slots=True)
class _Album:
    chat: str
    size: int
    began_at: float
    last_at: float
    came: set[str] = field(default_factory=set)


class Albums:
    """The albums that are under way, by what announced them. Told the time; for one thread.

    What never becomes whole, or was announced while nobody was here, is answered as it is.
    """

    def __init__(self) -> None:
        self._albums: OrderedDict[tuple[str, str], _Album] = OrderedDict()

    def announce(self, chat: str, album_id: str, size: int, now: float) -> None:
        """Note that an album was announced.

        Args:
            chat: where.
            album_id: the message that announced it.
            size: how many messages it is.
            now: monotonic seconds.
        """
        self._albums.setdefault((chat, album_id), _Album(chat, size, now, now))
        if len(self._albums) > _KEPT_ALBUMS:
            self._albums.popitem(last=False)

    def note(self, chat: str, album_id: str, message_id: str, now: float) -> None:
        """Note that a part of an album came; one that nobody announced is none."""
        album = self._albums.get((chat, album_id))
        if album is None:
            return
        album.came.add(message_id)
        album.last_at = now
        if len(album.came) >= album.size:
            del self._albums[chat, album_id]

    def seconds_to_wait(self, chat: str, now: float) -> float:
        """How long the answer to what came in a chat should wait for the rest of an album; 0 for no album."""
        left = 0.0
        for key, album in list(self._albums.items()):
            until = min(album.last_at + BETWEEN_SECONDS, album.began_at + LONGEST_SECONDS)
            if now >= until:
                del self._albums[key]
            elif album.chat == chat:
                left = max(left, until - now)
        return left
