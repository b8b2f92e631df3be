"""What a camera writes into a photo beside the picture: when and where it was taken, with what. Pure.

It is taken out of what goes to strangers, as phones do; the picture itself stays byte for byte.
"""

from __future__ import annotations

from typing import Literal

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_METADATA = frozenset((b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"))
_EXIF, _IPTC, _COMMENT, _PROFILE, _SCAN, _END = 0xE1, 0xED, 0xFE, 0xE2, 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})
_TURN = 0x0112


def without_metadata(photo: bytes) -> bytes:
    """A JPEG or PNG without metadata, but for how it is to be turned; anything else as it is."""
    if photo.startswith(b"\xff\xd8"):
        return _bare_jpeg(photo)
    return _bare_png(photo) if photo.startswith(_PNG_START) else photo


def is_sideways(photo: bytes) -> bool:
    """Whether a JPEG is shown with its width and height exchanged."""
    at = photo.find(b"\xff\xe1")
    return at >= 0 and _turn_in(photo[at : at + 65_537]) >= 5


def _bare_jpeg(photo: bytes) -> bytes:
    kept = [photo[:2]]
    at, is_picture = 2, False
    while (at := photo.find(b"\xff", at)) >= 0 and at + 2 <= len(photo):
        marker = photo[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _END:
            # What follows is no picture any more: films and further pictures with metadata of their own.
            return b"".join((*kept, photo[at : at + 2]))
        end = at + 2
        if marker not in _WITHOUT_LENGTH:
            end += max(2, int.from_bytes(photo[at + 2 : at + 4]))
        if marker == _SCAN:
            is_picture, end = True, _end_of_scan(photo, end)
        kept.append(_kept(marker, photo[at:end]))
        at = end
    # One that breaks off is shown all the same.
    return b"".join(kept) if is_picture else photo


def _end_of_scan(photo: bytes, at: int) -> int:
    """Where the next marker stands: within the picture's own data, 0x00 or a restart follows each 0xFF."""
    while (at := photo.find(b"\xff", at)) >= 0 and at + 1 < len(photo):
        if photo[at + 1] not in _WITHOUT_LENGTH and photo[at + 1] != 0xFF:
            return at
        at += 1
    return len(photo)


def _kept(marker: int, segment: bytes) -> bytes:
    if marker == _EXIF:
        turn = _turn_in(segment)
        return _only_turned(turn) if turn > 1 else b""
    is_other_picture = marker == _PROFILE and segment[4:8] == b"MPF\0"
    return b"" if marker in (_IPTC, _COMMENT) or is_other_picture else segment


def _turn_in(segment: bytes) -> int:
    """How the picture is to be turned, by a segment of Exif: 1 for not at all, 8 at most."""
    tiff = segment[10:]
    order: Literal["little", "big"] = "little" if tiff.startswith(b"II") else "big"
    if segment[4:10] != b"Exif\0\0":
        return 1
    fields = int.from_bytes(tiff[4:8], order)
    for place in range(int.from_bytes(tiff[fields : fields + 2], order)):
        field = tiff[fields + 2 + 12 * place :][:12]
        if int.from_bytes(field[:2], order) == _TURN:
            turn = int.from_bytes(field[8:10], order)
            return turn if 1 <= turn <= 8 else 1
    return 1


def _only_turned(turn: int) -> bytes:
    tiff = b"MM\0*\0\0\0\x08\0\x01" + _TURN.to_bytes(2) + b"\0\x03\0\0\0\x01" + turn.to_bytes(2) + bytes(6)
    return b"\xff\xe1" + (8 + len(tiff)).to_bytes(2) + b"Exif\0\0" + tiff


def _bare_png(photo: bytes) -> bytes:
    kept = [_PNG_START]
    at = len(_PNG_START)
    while at + 12 <= len(photo):
        end = at + 12 + int.from_bytes(photo[at : at + 4])
        name = photo[at + 4 : at + 8]
        if name not in _PNG_METADATA:
            kept.append(photo[at:end])
        if name == b"IEND":
            break
        at = end
    return b"".join(kept)
