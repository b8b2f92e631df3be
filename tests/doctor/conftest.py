from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest

from tests.support.examined_bot import SomeServer, database
from tests.support.session_directories import make_session
from wabot.application.users import require_user
from wabot.clock import utc_now


@pytest.fixture(autouse=True)
def private_files() -> Iterator[None]:
    """Files are made as the bot makes them, for nobody else."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the programs that the doctor may start; empty, so that this machine's play no part."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration of a bot in good health that has never been started."""
    file = tmp_path / "shop.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[ai]\nknowledge = "{tmp_path}/texts"\n'
    )
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "shop.md").write_text("# Hours\nFrom nine to five.\n")
    return file


@pytest.fixture
def state(tmp_path: Path, file: Path) -> Path:
    """The state directory of the same bot after it has run."""
    state = tmp_path / "state"
    with database(f"sqlite:///{state}/wabot.db") as opened:
        require_user(opened, "ana")
    make_session(state / "sessions", "ana", linked=True, used_at=utc_now())
    return state


@pytest.fixture
def model() -> Iterator[type[SomeServer]]:
    """A server for models and for WhatsApp; a test sets its `status`."""

    class Model(SomeServer):
        address = ""

    server = HTTPServer(("127.0.0.1", 0), Model)
    Model.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Model
    server.shutdown()
    thread.join()
    server.server_close()
