"""neonize's own protobuf classes, without its library, which starts a Go runtime when it is imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st


def _load() -> tuple[Any, Any]:
    found = importlib.util.find_spec("neonize")
    assert found is not None
    # To stay: its C part must not be initialised once more when a test loads the library itself.
    importlib.import_module("google.protobuf.internal.builder")
    # A stand-in package with neonize's path keeps neonize/__init__.py from running.
    package = types.ModuleType("neonize")
    package.__path__ = list(found.submodule_search_locations or ())
    with patch.dict(sys.modules, {"neonize": package}):
        return (
            importlib.import_module("neonize.proto.Neonize_pb2"),
            importlib.import_module("neonize.proto.waE2E.WAWebProtobufsE2E_pb2"),
        )


events, e2e = _load()


def jid(text: str) -> Any:
    """A JID of the library: user, device and server of "user:device@server"."""
    user, _, server = text.rpartition("@")
    user, _, device = user.partition(":")
    return events.JID(User=user, Device=int(device or 0), Server=server, RawAgent=0, Integrator=0)


_SCALARS = {
    "double": st.floats(),
    "float": st.floats(width=32),
    "bool": st.booleans(),
    "string": st.text(max_size=20) | st.sampled_from(["s.whatsapp.net", "lid", "g.us", "a\0b"]),
    "bytes": st.binary(max_size=20),
}
_TYPES = {1: "double", 2: "float", 8: "bool", 9: "string", 12: "bytes"}
_UNSIGNED_64, _UNSIGNED_32 = {4, 6}, {7, 13}
_SIGNED_64, _SIGNED_32 = {3, 16, 18}, {5, 15, 17}
_GROUP_OR_MESSAGE, _ENUM = {10, 11}, 14


def _scalars(field: Any) -> st.SearchStrategy[Any]:
    if field.type == _ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type in _SIGNED_64 | _SIGNED_32 | _UNSIGNED_64 | _UNSIGNED_32:
        bits = 64 if field.type in _SIGNED_64 | _UNSIGNED_64 else 32
        signed = field.type in _SIGNED_64 | _SIGNED_32
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)
    return _SCALARS[_TYPES[field.type]]


@st.composite
def anything(draw: st.DrawFn, message_class: Any, likely: tuple[str, ...] = ()) -> Any:
    """Any message of a class, with a few of its fields set; those named `likely` more often than others."""
    message = message_class()
    _fill(draw, message, likely, depth=6)
    return message


def _fill(draw: st.DrawFn, message: Any, likely: tuple[str, ...], depth: int) -> None:
    names = [field.name for field in message.DESCRIPTOR.fields]
    preferred = [name for name in names if name in likely]
    some = st.lists(st.sampled_from(preferred or names) | st.sampled_from(names), max_size=4, unique=True)
    for name in draw(some) if names else ():
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.type in _GROUP_OR_MESSAGE:
            if depth > 0:
                inner = getattr(message, name)
                inner = inner.add() if field.is_repeated else inner
                inner.SetInParent()
                _fill(draw, inner, likely, depth - 1)
        elif field.is_repeated:
            getattr(message, name).extend(draw(st.lists(_scalars(field), max_size=3)))
        else:
            setattr(message, name, draw(_scalars(field)))
