"""One container for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd import container as container_module
from tests.systemd.container import Container


@pytest.fixture(scope="session")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A booted systemd with the unit files installed and nothing started."""
    reason = container_module.missing()
    if reason:
        pytest.skip(reason)
    directory: Path = tmp_path_factory.mktemp("systemd") / "machine"
    with Container(directory) as booted:
        yield booted
