"""No secret is ever seen where others look: arguments, environment, log, status, doctor, state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import REPOSITORY, BotProcess
from tests.e2e.conftest import MakeBot
from tests.support.provider_server import ProviderServer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_server import Handler
from wabot.trials.peers.postgresql import free_port

pytestmark = pytest.mark.e2e

KEY, PASSWORD, SIGNING, TOKEN = (
    "sk-live-4242424242",
    "hunter2-of-mail",
    "whsec-of-hook",
    "token-in-the-address",
)
SECRETS = (KEY, PASSWORD, SIGNING, TOKEN)


def refuse(handler: Handler, _body: dict[str, Any]) -> None:
    """Repeats what it was sent, as some servers do when they refuse it."""
    told = {"error": {"message": f"Incorrect API key provided: {handler.headers['Authorization']}"}}
    handler.send_json(told, 401)


def configured(make_bot: MakeBot, model: ProviderServer, home: Path) -> BotProcess:
    """A bot with every secret there is, each in a private file."""
    port = free_port()
    for name, text in {
        "key": KEY,
        "smtp": f"smtp://bot:{PASSWORD}@127.0.0.1:{port}",
        "hook": f"http://127.0.0.1:{port}/{TOKEN}",
        "signing": SIGNING,
    }.items():
        (home / name).touch(mode=0o600)
        (home / name).write_text(text)
    alerts = [f'webhook_url = "file:{home}/hook"', f'webhook_secret = "file:{home}/signing"']
    alerts += [f'smtp_url = "file:{home}/smtp"', 'to = ["owner@example.com"]']
    bot = make_bot(provider=model.base_url, sections={"alerts": "\n".join(alerts)})
    with bot.config.open("a") as text:
        text.write(f'api_key = "file:{home}/key"\n')
    return bot


def command(bot: BotProcess, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "wabot", *arguments, "--config", str(bot.config)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.stdout + done.stderr


def test_nobody_sees_a_secret(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer, tmp_path: Path
) -> None:
    bot = configured(make_bot, model, tmp_path)
    model.default = refuse
    bot.pair()
    assert bot.stop() == 0
    bot.start("--log-level", "DEBUG")
    bot.wait_for_state("connected")
    ana = emulator.customer(1)
    ana.send("¿Me oye?")
    ana.wait_for_replies(1)
    assert model.requests[0].headers["Authorization"] == f"Bearer {KEY}", "it was used"
    assert bot.process is not None
    process = Path(f"/proc/{bot.process.pid}")
    seen = {name: (process / name).read_text(errors="replace") for name in ("cmdline", "environ")}
    seen["status"] = command(bot, "status", "--json")
    seen["doctor"] = command(bot, "doctor", "--json")
    emulator.log_out()
    assert bot.wait_for_exit() == 77
    seen["alert"] = command(bot, "alert", "--test")
    seen["log"] = bot.log()
    for path in bot.state.rglob("*"):
        if path.is_file():
            seen[str(path)] = path.read_bytes().decode("utf-8", "replace")
    assert "no model answers" in seen["log"] and "cannot be reached" in seen["alert"], (
        "there was something to tell"
    )
    for place, text in seen.items():
        for secret in SECRETS:
            assert secret not in text, f"{secret} stands in {place}"
