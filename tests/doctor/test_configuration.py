from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.examined_bot import illnesses
from wabot.clock import utc_now
from wabot.config.toml_file import PUT_SUDO
from wabot.doctor.examination import examine
from wabot.emulator.people.sample_files import JPEG
from wabot.errors import ConfigError


def test_configuration(file: Path) -> None:
    file.write_text("[account]\nuser_id = 7\n[chats]\ngroups = 'x'\n")
    found = examine(file, {}, utc_now(), online=False)
    problems = [finding.text for finding in found if finding.name == "configuration"]
    assert len(problems) == 2
    assert "account.user_id = 7" in problems[0]
    assert {finding.name for finding in found} == {"configuration", "unit", "neonize", "libmagic", "clock"}


def test_nothing_to_answer_from(file: Path, state: Path, tmp_path: Path) -> None:
    (tmp_path / "texts" / "shop.md").unlink()
    ill = illnesses(file)
    assert list(ill) == ["ai"]
    assert f"{tmp_path}/texts has no text" in ill["ai"].text


def test_who_may_not_read_the_configuration_is_sent_to_sudo(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConfigError([f"{file}: cannot be read: Permission denied{PUT_SUDO}"])

    monkeypatch.setattr("wabot.doctor.examination.settings_in_unit", refuse)
    assert illnesses(file)["configuration"].cure == f"sudo wabot doctor --config {file}"
    installed = Path("/etc/wabot/wabot.toml")
    (found, *_) = examine(installed, {}, utc_now(), online=False)
    assert found.cure == "sudo wabot doctor"


def test_secrets_that_are_missing(file: Path, state: Path) -> None:
    with file.open("a") as text:
        text.write('[[ai.providers]]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\napi_key = "env:KEY"\n')
    assert "KEY is not set" in illnesses(file)["secrets"].text
    file.with_suffix(".env").write_text("KEY=secret\n")
    assert "secrets" not in illnesses(file)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("state", 0o755),
        ("state/sessions/ana", 0o750),
        ("state/sessions/ana/whatsapp.db", 0o644),
        ("state/wabot.db", 0o640),
    ],
)
def test_files_that_others_may_read(file: Path, state: Path, path: str, mode: int) -> None:
    assert "permissions" not in illnesses(file)
    (file.parent / path).chmod(mode)
    ill = illnesses(file)["permissions"]
    assert str(file.parent / path) in ill.text
    _run_cure(ill.cure)
    assert "permissions" not in illnesses(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of somebody else's")
def test_a_file_of_somebody_else(file: Path, state: Path) -> None:
    os.chown(state / "wabot.db", 1, 1)
    (state / "link").symlink_to("/dev/null")
    (state / "gone").symlink_to("/no/such")
    ill = illnesses(file)["permissions"]
    assert ill.text == f"{state}/wabot.db belongs to another user than {state}"
    _run_cure(ill.cure)
    assert illnesses(file) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what others may not")
def test_a_text_that_the_bot_cannot_read(file: Path, state: Path, tmp_path: Path) -> None:
    """Root, who asks, could; so it is the bot's user who looks. That one talks in `wabot chat`, too."""
    # Not below pytest's directory, which is root's alone.
    with tempfile.TemporaryDirectory() as folder:
        texts, moved = Path(folder, "texts"), Path(folder, "state")
        texts.mkdir()
        text = texts / "shop.md"
        text.write_text("# Shop\n![It](shop.jpg)")
        picture = texts / "shop.jpg"
        picture.write_bytes(JPEG)
        shutil.move(state, moved)
        persona = Path(folder, "persona.txt")
        persona.write_text("Be kind.")
        file = file.rename(Path(folder, "shop.toml"))
        configured = (
            file.read_text().replace(str(tmp_path / "texts"), str(texts)).replace(str(state), str(moved))
        )
        file.write_text(f'{configured}system_prompt_file = "{persona}"\n')
        for path in (Path(folder), texts, text, picture, file, persona):
            path.chmod(0o755)
        for path in (moved, *moved.rglob("*")):
            os.chown(path, 65_534, 65_534)
        assert "texts" not in _typed_by_root(file)
        for closed, shown in ((text, texts), (file, file), (persona, persona)):
            closed.chmod(0o600)
            text_and_cure = _typed_by_root(file)["texts"]
            closed.chmod(0o755)
            cure = f"sudo chgrp -R wabot {shown} && sudo chmod -R g+rX {shown}"
            assert text_and_cure == (f"{closed} cannot be read by the bot", cure)
        picture.chmod(0o600)
        told, cure = _typed_by_root(file)["texts"]
        assert (
            "Permission denied" in told
            and cure == f"sudo chgrp -R wabot {texts} && sudo chmod -R g+rX {texts}"
        )


def _typed_by_root(file: Path) -> dict[str, tuple[str, str]]:
    """What is ill, and its cure."""
    command = [sys.executable, "-P", "-m", "wabot", "doctor", "--json", "--config", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    return {
        each["name"]: (each["text"], each["cure"]) for each in json.loads(told)["checks"] if not each["ok"]
    }


def test_a_text_that_is_left_out(file: Path, tmp_path: Path) -> None:
    text = tmp_path / "texts" / "prices.md"
    text.write_bytes("# Precios\nUn envío cuesta 5 €\n".encode("cp1252"))
    ill = illnesses(file)["texts"]
    assert (ill.text, ill.cure) == (f"{text} is left out: it is no UTF-8 text", "save it as UTF-8")
    text.write_text("# Precios\nUn envío cuesta 5 €\n![Caja](caja.jpg)\n", encoding="utf-8")
    ill = illnesses(file)["texts"]
    assert ill.text == "prices.md links to caja.jpg, which is not sent: there is no such file"
    text.write_text("# Precios\nUn envío cuesta 5 €\n", encoding="utf-8")
    assert "texts" not in illnesses(file)


def test_a_second_configuration_for_the_same_user(file: Path, state: Path) -> None:
    shutil.copy(file, file.with_name("copy.toml"))
    assert "copy.toml is for user ana as well" in illnesses(file)["second holder"].text


def _run_cure(cure: str) -> None:
    subprocess.run(cure.removeprefix("sudo ").split(), check=True, env={"PATH": "/bin:/usr/bin"})
