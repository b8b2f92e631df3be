from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.alert_receivers import WebhookReceiver
from tests.support.owners_alerts import configured


def run(tmp_path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wabot", "alert", "--config", str(tmp_path / "shop.toml"), *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_command_test(tmp_path: Path, receiver: WebhookReceiver) -> None:
    configured(tmp_path, "")
    answer = run(tmp_path, "--test")
    assert answer.returncode == 78
    assert "no alerts are configured" in answer.stderr
    configured(tmp_path, f'webhook_url = "{receiver.url}"')
    answer = run(tmp_path, "--test")
    assert (answer.returncode, answer.stdout) == (0, "webhook: delivered\n")
    assert receiver.kinds() == ["test"]
    receiver.status = 500
    answer = run(tmp_path, "--test")
    assert (answer.returncode, answer.stdout) == (1, "webhook: the web address answered 500\n")


def test_command_failed_tells_why_and_only_once(tmp_path: Path, receiver: WebhookReceiver) -> None:
    configured(tmp_path, f'webhook_url = "{receiver.url}"')
    ended = {"MONITOR_EXIT_STATUS": "78", "MONITOR_SERVICE_RESULT": "exit-code"}
    for _ in range(2):
        answer = run(tmp_path, "--failed", "wabot.service", **ended)
        assert (answer.returncode, answer.stderr) == (0, "")
    assert receiver.kinds() == ["alert process_failed"]
    assert "exit 78, operator needed" in receiver.calls[0].content["text"]
    assert "systemctl status wabot.service" in receiver.calls[0].content["text"]
    killed = {"MONITOR_EXIT_STATUS": "KILL", "MONITOR_SERVICE_RESULT": "oom-kill"}
    assert run(tmp_path, "--failed", "wabot@b.service", **killed).returncode == 0
    assert "Detail: oom-kill, KILL" in receiver.calls[1].content["text"]


def test_command_failed_works_with_a_configuration_the_bot_refuses(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    configured(tmp_path, f'webhook_url = "{receiver.url}"')
    with (tmp_path / "shop.toml").open("a") as file:
        file.write('[replies]\nworkers = 0\n[typo]\n[database]\nurl = "env:NOT_THERE"\n')
    assert run(tmp_path, "--failed", "wabot.service", MONITOR_EXIT_STATUS="78").returncode == 0
    assert receiver.kinds() == ["alert process_failed"]


@pytest.mark.parametrize(
    "mistake",
    [
        '[account]\ntimezone = "Mexico/BajaNorte"\nlanguage = "es"\n',
        '[account]\nlanguage = "es"\nuser_id = "no good/"\n',
        '[paths]\nwrong = 1\n[account]\nlanguage = "es"\n',
        '[account]\nlanguage = "es"\n[replies]\nworkers = "two\n[typo\nx\n',
        '[account]\nlanguage = "es"\n[chats]\nname = "caf\xe9"\n[account]\n',
        'x = C:\\shop\n[account]\nlanguage = "es"\n[account.more]\na = [\n1\n',
    ],
)
def test_command_failed_tells_what_it_can_whatever_mistake_the_configuration_has(
    tmp_path: Path, receiver: WebhookReceiver, mistake: str
) -> None:
    written = f'{mistake}[alerts]\nwebhook_url = "{receiver.url}"\nto = "no list"\n'
    (tmp_path / "shop.toml").write_bytes(written.encode("latin-1"))
    ended = {"MONITOR_EXIT_STATUS": "78", "STATE_DIRECTORY": str(tmp_path / "state")}
    answer = run(tmp_path, "--failed", "wabot.service", **ended)
    assert (answer.returncode, receiver.kinds()) == (0, ["alert process_failed"])
    assert "el servicio wabot.service ha fallado" in receiver.calls[0].content["text"]
    assert f"wabot: {tmp_path}/shop.toml: " in answer.stderr
    assert run(tmp_path, "--test", **ended).returncode == 78


@pytest.mark.parametrize(
    "arguments", [(), ("--failed", ""), ("--failed", "a\nb"), ("--test", "--failed", "x")]
)
def test_command_used_wrongly(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    configured(tmp_path, "")
    assert run(tmp_path, *arguments).returncode == 64
