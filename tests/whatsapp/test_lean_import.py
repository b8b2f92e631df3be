from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import REPOSITORY
from wabot.whatsapp.lean_import import NOT_WANTED, without

ROOT = REPOSITORY


def test_what_is_kept_out_can_be_imported_from_and_says_why_it_does_nothing() -> None:
    with without(("wabot_has_no_such_module",)):
        from wabot_has_no_such_module import fetch  # type: ignore[import-not-found]
    with pytest.raises(RuntimeError, match="wabot_has_no_such_module is not loaded in wabot"):
        fetch("x", timeout=1)
    with pytest.raises(ModuleNotFoundError):
        import wabot_has_no_such_module  # noqa: F401


def test_what_is_loaded_already_stays() -> None:
    with without(("json",)):
        import json
    assert json.loads("[1]") == [1]
    assert sys.modules["json"] is json


def test_the_client_library_needs_none_of_them_for_what_wabot_does() -> None:
    """In a process of its own: here they may be loaded already."""
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, wabot.whatsapp.client as whatsapp\n"
            f"print([name for name in {NOT_WANTED!r} if name in sys.modules])\n"
            "print('bs4' in sys.modules)\n"
            "import httpx, phonenumbers, linkpreview, requests, segno, tqdm\n"
            "print(httpx.Client.__name__, phonenumbers.PhoneNumberFormat.E164, requests.Session.__name__)\n",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.split("\n")[:3] == ["[]", "False", "Client 0 Session"]


def test_a_bot_without_models_and_alerts_loads_nothing_that_speaks_http_or_draws() -> None:
    """In a process of its own, as above; it holds 8 MB less, and is there 30 ms earlier."""
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, wabot.service\n"
            "from wabot.alerts.dispatcher import channels\n"
            "from wabot.brain.brain import Brain\n"
            "from wabot.config.settings import Settings\n"
            "Brain(Settings().brain), channels(Settings().alerts)\n"
            "print([name for name in ('requests', 'smtplib', 'segno', 'tqdm') if name in sys.modules])\n",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout == "[]\n"


def test_what_asks_models_is_loaded_when_that_is_said_and_not_before_the_dial() -> None:
    """In a process of its own, as above."""
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, wabot.service\n"
            "from wabot.brain.brain import Brain\n"
            "from wabot.brain.settings import BrainSettings, ProviderSettings\n"
            "brain = Brain(BrainSettings(providers=(ProviderSettings('x', 'http://127.0.0.1:1/v1', 'm'),)))\n"
            "before = 'requests' in sys.modules\n"
            "brain.load()\n"
            "print(before, 'requests' in sys.modules)\n",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout == "False True\n"


def test_a_bot_that_reads_no_files_loads_nothing_for_it() -> None:
    """In a process of its own, as above."""
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, wabot.service.pipeline\n"
            "heavy = ('wabot.media.', 'wabot.brain.transcription', 'cryptography', 'requests')\n"
            "light = 'wabot.media.directory'\n"
            "print([name for name in sys.modules if name.startswith(heavy) and name != light])\n",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout == "[]\n"
