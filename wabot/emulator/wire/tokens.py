"""The token dictionary of the binary XML, read out of the client library's own shared object.

The client abbreviates common words by numbers. Reading the table from the very file the client runs keeps the
two in step at every upgrade. The file is read as data: it is neither loaded nor executed.

In Go such a table is an array of string headers (pointer, length). In a position-independent ELF file the
pointers stand as zeros and are named by RELATIVE relocations, so it is those that lead to the words.
"""

from __future__ import annotations

import importlib.util
import platform
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DICTIONARY_VERSION = 3
"""The last byte of the greeting of a client that uses these tables."""

_SINGLE_TOKENS = 236
_DOUBLE_TABLES = 4
_DOUBLE_TOKENS = 256
_FIRST_SINGLE = (b"xmlstreamstart", b"xmlstreamend", b"s.whatsapp.net")  # index 1, 2 and 3; index 0 is empty
_FIRST_DOUBLE = (b"read-self", b"active", b"fbns")

_STRING_HEADER = 16
_SLICE_HEADER = 24
_MAX_WORD_BYTES = 256
_PT_LOAD = 1
_SHT_RELA = 4
_RELATIVE = {62: 8, 183: 1027}  # ELF machine (x86-64, aarch64) -> R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_LIBRARY_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class TokensError(RuntimeError):
    """The dictionary cannot be found in the client library."""


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The words that one byte (index 0 is unused) and that two bytes stand for."""

    single: tuple[str, ...]
    double: tuple[tuple[str, ...], ...]


def find_client_library() -> Path:
    """The path of neonize's shared object for this machine, found without importing neonize."""
    spec = importlib.util.find_spec("neonize")
    machine = _LIBRARY_MACHINES.get(platform.machine(), platform.machine())
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        library = Path(folder) / f"neonize-linux-{machine}.so"
        if library.is_file():
            return library
    raise TokensError(f"neonize for Linux on {machine} is not installed: the emulator reads its dictionary")


@lru_cache(maxsize=1)
def client_tokens() -> TokenTable:
    """The dictionary of the installed client library, read once a process."""
    return read_tokens(find_client_library())


def read_tokens(library: Path) -> TokenTable:
    """Read both tables from the shared object `library`; raises TokensError when they are not there."""
    try:
        image = _Image(library.read_bytes())
        first_word = image.find_words(_FIRST_SINGLE)
        single = image.words(first_word - _STRING_HEADER, _SINGLE_TOKENS)
        first_table = image.find_slice(image.find_words(_FIRST_DOUBLE), _DOUBLE_TOKENS)
        double = tuple(
            image.words(image.pointer(first_table + index * _SLICE_HEADER), _DOUBLE_TOKENS)
            for index in range(_DOUBLE_TABLES)
        )
    except (struct.error, UnicodeDecodeError, OSError) as error:
        raise TokensError(f"{library} cannot be read as an ELF library: {error}") from error
    return TokenTable(single, double)


class _Image:
    """A 64-bit little-endian ELF file seen by virtual address."""

    def __init__(self, data: bytes) -> None:
        if data[:6] != b"\x7fELF\x02\x01":
            raise TokensError("the client library is not a 64-bit little-endian ELF file")
        self._data = data
        machine = struct.unpack_from("<H", data, 18)[0]
        if machine not in _RELATIVE:
            raise TokensError(f"ELF machine {machine} is not supported")
        program_offset, section_offset = struct.unpack_from("<QQ", data, 32)
        program_size, program_count, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
        self._segments: list[tuple[int, int, int]] = []
        for index in range(program_count):
            header = struct.unpack_from("<IIQQQQ", data, program_offset + index * program_size)
            kind, _, offset, address, _, size = header
            if kind == _PT_LOAD:
                self._segments.append((address, address + size, offset))
        self._pointers: dict[int, int] = {}
        for index in range(section_count):
            header = struct.unpack_from("<IIQQQQ", data, section_offset + index * section_size)
            _, kind, _, _, offset, size = header
            if kind == _SHT_RELA:
                self._read_relocations(offset, size, _RELATIVE[machine])

    def _read_relocations(self, offset: int, size: int, relative: int) -> None:
        table = self._data[offset : offset + size - size % 24]
        for address, kind, target in struct.iter_unpack("<QQq", table):
            if kind == relative:
                self._pointers[address] = target

    def pointer(self, address: int) -> int:
        """The address that the pointer at `address` will hold once the file is loaded; 0 for nil."""
        return self._pointers.get(address, 0)

    def words(self, address: int, count: int) -> tuple[str, ...]:
        """The texts of `count` string headers in a row from `address` on."""
        return tuple(self._word(address + index * _STRING_HEADER).decode() for index in range(count))

    def find_words(self, wanted: tuple[bytes, ...]) -> int:
        """The one address where string headers in a row read `wanted`."""
        found = [address for address in self._pointers if self._reads(address, wanted)]
        if len(found) != 1:
            raise TokensError(
                f"{wanted[0].decode()!r} starts {len(found)} tables of the client library, not one"
            )
        return found[0]

    def find_slice(self, array: int, length: int) -> int:
        """The address of the slice header (pointer, length, capacity) over `array`."""
        for address, target in self._pointers.items():
            if target == array and self._integer(address + 8) == length:
                return address
        raise TokensError("the table of double-byte tokens is not in the client library")

    def _reads(self, address: int, wanted: tuple[bytes, ...]) -> bool:
        target = self._offset(self._pointers[address])
        if target is None or not self._data.startswith(wanted[0], target):
            return False
        headers = range(address, address + len(wanted) * _STRING_HEADER, _STRING_HEADER)
        return all(self._word(header) == word for header, word in zip(headers, wanted, strict=True))

    def _word(self, address: int) -> bytes:
        size = self._integer(address + 8)
        if size > _MAX_WORD_BYTES:
            raise TokensError("a token is longer than any word of the protocol")
        offset = self._offset(self.pointer(address))
        return self._data[offset : offset + size] if offset is not None else b""

    def _integer(self, address: int) -> int:
        offset = self._offset(address)
        return int.from_bytes(self._data[offset : offset + 8], "little") if offset is not None else 0

    def _offset(self, address: int) -> int | None:
        for start, end, offset in self._segments:
            if start <= address < end:
                return offset + address - start
        return None
