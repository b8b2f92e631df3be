"""What makes any Python program that uses neonize a guest of the emulator.

Its interpreter loads this at its start, by a sitecustomize that PYTHONPATH leads to (doorway.py), whatever
Python it is: nothing but Python is needed here. As soon as the program loads neonize, the key that its
library trusts is replaced in memory, and every code to scan is written into a file for the emulator.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from wabot.emulator.server.root_key import LEADS_ELSEWHERE, leads_to_loopback, patch_root_key

ROOT_KEY_VARIABLE = "WABOT_EMULATOR_ROOT_KEY"
CODE_VARIABLE = "WABOT_EMULATOR_CODE"

_Action = Callable[[ModuleType], None]


def prepare() -> None:
    """Wait for neonize to be loaded."""
    actions: dict[str, _Action] = {
        "neonize._binder": _replace_key,
        "neonize.client": _catch_codes,
        "neonize.aioze.client": _catch_codes,
    }
    sys.meta_path.insert(0, _Watch(actions))


def _replace_key(_: ModuleType) -> None:
    if not leads_to_loopback(os.environ):
        raise ImportError(f"the emulator cannot be used: {LEADS_ELSEWHERE}")
    patch_root_key(bytes.fromhex(os.environ[ROOT_KEY_VARIABLE]))


def _catch_codes(module: ModuleType) -> None:
    """Have a client write its codes into the file, before it shows them as it does."""
    for name in ("NewClient", "NewAClient"):
        client = getattr(module, name, None)
        if client is not None and client.__module__ == module.__name__:
            show = getattr(client, f"_{name}__onQr")
            setattr(client, f"_{name}__onQr", _telling(show))


def _telling(show: Callable[..., Any]) -> Callable[..., Any]:
    def on_code(client: Any, uuid: int, address: int) -> Any:
        file = Path(os.environ[CODE_VARIABLE])
        # In one step: the emulator may be reading.
        new = file.with_suffix(f".{os.getpid()}")
        new.write_bytes(ctypes.string_at(address))
        new.replace(file)
        return show(client, uuid, address)

    return on_code


class _Watch(MetaPathFinder):
    """Acts right after a module was loaded."""

    def __init__(self, actions: dict[str, _Action]) -> None:
        self._actions = actions

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        action = self._actions.get(fullname)
        spec = PathFinder.find_spec(fullname, path, target) if action else None
        if spec is not None and spec.loader is not None and action is not None:
            spec.loader = _ActingLoader(spec.loader, action)
        return spec


class _ActingLoader(Loader):
    def __init__(self, loader: Loader, action: _Action) -> None:
        self._loader = loader
        self._action = action

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._action(module)
