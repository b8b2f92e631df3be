from __future__ import annotations

import configparser
import importlib.metadata
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.examined_bot import illnesses
from wabot.clock import utc_now
from wabot.doctor import library as doctor_library
from wabot.doctor.library import NEONIZE_VERSION


def test_the_client_library(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "neonize" not in illnesses(file)
    assert "shuts out old clients" in illnesses(file, now=utc_now() + timedelta(days=400))["neonize"].text
    monkeypatch.setattr(doctor_library, "NEONIZE_VERSION", "0.0.1")
    assert "measured with 0.0.1" in illnesses(file)["neonize"].text


@pytest.mark.parametrize("content", [b"other", None])
def test_a_client_library_that_is_not_as_it_was_installed(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """A copy of its description, beside a Go half that is another one, or none."""
    library = importlib.metadata.distribution("neonize")
    record = next(
        Path(str(library.locate_file(each))) for each in library.files or () if each.name == "RECORD"
    )
    shutil.copytree(record.parent, tmp_path / record.parent.name)
    half = next(each for each in library.files or () if each.suffix == ".so")
    if content is not None:
        (tmp_path / half).parent.mkdir()
        (tmp_path / half).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    assert illnesses(file)["neonize"].text == f"{tmp_path / half} is not as it was installed"
    (tmp_path / half).parent.mkdir(exist_ok=True)
    (tmp_path / half).unlink(missing_ok=True)
    (tmp_path / half).symlink_to(library.locate_file(half))
    assert "neonize" not in illnesses(file)


def test_the_measured_library_is_the_one_that_is_installed_with_wabot() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(REPOSITORY / "setup.cfg")
    assert f"neonize == {NEONIZE_VERSION}" in metadata["options"]["install_requires"]


def test_libmagic(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    assert illnesses(file)["libmagic"].cure == "sudo apt-get install -y libmagic1"
