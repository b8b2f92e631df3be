"""Keeps out what the client library imports and wabot has no use for: 100 ms of a start, and 13 MB.

neonize 0.5.2 imports linkpreview (and with it BeautifulSoup) for previews of links, httpx and requests for
downloads, tqdm to show how far those are, phonenumbers for contact cards and segno for QR codes, whether they
are wanted or not. One download it makes by itself: that of its Go half, where that is of another version.
What was fetched at a start should not be run, and is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

NOT_WANTED = ("linkpreview", "httpx", "requests", "tqdm", "phonenumbers", "segno")


class _Absent(ModuleType):
    """Can be imported from; whatever is called of it says why it cannot be."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"{self.__name__}.{name}: {self.__name__} is not loaded in wabot")

        return refuse


@contextmanager
def without(names: tuple[str, ...] = NOT_WANTED) -> Iterator[None]:
    """Import something without these modules, unless they are loaded already; later they can be had as ever.

    Args:
        names: of top-level modules from which only functions and constants are taken.
    """
    absent = {name: _Absent(name) for name in names if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)
