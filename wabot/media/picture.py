"""Who prepares pictures for models that see: small enough for each of them, and surely a picture."""

from __future__ import annotations

from pathlib import Path

from wabot.config.settings import MediaSettings
from wabot.database.models import ReceivedFile
from wabot.media.worker import NotUnderstood, Understood
from wabot.system.files import replace_file
from wabot.system.untrusted.confined import CPU_SECONDS, Unreadable, read_confined

LONGEST_SIDE = 1600
"""As phones send them: what is written on a receipt can still be read."""
_MOST_PIXELS = 40_000_000
_MOST_BYTES = 3_000_000


class PictureReader:
    """Leaves pictures where they lie, for whoever answers their message. Safe to share by threads.

    Args:
        media: how large one may be.

    Attributes:
        most_bytes: how large one may be.
    """

    def __init__(self, media: MediaSettings) -> None:
        self.most_bytes = media.image_max_bytes

    def seconds(self, row: ReceivedFile) -> float:
        """How long it may take to make one small."""
        return 2.0 * CPU_SECONDS

    def read(self, row: ReceivedFile, path: Path) -> Understood | None:
        """Make it small and plain, in its place; a model looks at it later.

        Raises:
            NotUnderstood: it is no picture, or far too large a one.
        """
        try:
            small = read_confined(
                "wabot.system.untrusted.picture_child",
                path,
                LONGEST_SIDE,
                _MOST_PIXELS,
                most_bytes=_MOST_BYTES,
            )
        except Unreadable:
            raise NotUnderstood("it is no picture that can be shown", worth_retry=False) from None
        replace_file(path, small)
        return None
