"""The tree: where the tests of a module are, what a package says of itself, and how long a module may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support import REPOSITORY

PROGRAM, TESTS = REPOSITORY / "wabot", REPOSITORY / "tests"
PACKAGES = sorted(path.parent.relative_to(PROGRAM).as_posix() for path in PROGRAM.rglob("__init__.py"))
# `main` is called from there, and the version is told.
WITH_IMPORTS = {".", "cli"}
MOST_LINES = 400

# Modules without a test file of their own, and what tests them: what uses them, or a real run of everything.
TESTED_BY = {
    "alerts": "notice texts units",
    "answers/test_answering.py": "escalation",
    "application/test_row.py": "connections",
    "conversation/test_ends.py": "answers/files",
    "backup": "handover private_copy sqlite texts",
    "brain": "folding settings",
    "brain/guard/test_verdict.py": "amounts arithmetic association claim claims contacts moments numbers "
    "shown statements stock",
    "brain/providers/test_pictures.py": "brain/pictures",
    "brain/knowledge/test_base.py": (
        "index brain/knowledge/search/understanding brain/knowledge/search/weighing"
    ),
    "brain/output": "completion control_words tool_calls turns",
    "brain/providers": "prompt_size",
    "brain/providers/test_chain.py": "budget counts guard remembered_refusals",
    "brain/providers/test_provider.py": "endpoint",
    "catalogue/test_spreadsheet.py": "columns prices product",
    "catalogue/test_search.py": "choice",
    "cli": "backup pair",
    "config/test_load.py": "service_settings settings",
    "conversation": "notices",
    "conversation/test_consent.py": "outreach",
    "database": "catalogue models states",
    "doctor": "finding",
    "e2e": (
        "emulator/bot_process emulator/command emulator/guest_process "
        "emulator/people/customer emulator/people/endpoint "
        "emulator/people/group emulator/people/phone emulator/people/reader "
        "emulator/people/writer emulator/server/bot_state "
        "emulator/server/dial emulator/server/doorway emulator/server/emulator emulator/server/listener "
        "emulator/server/registration emulator/server/session emulator/wire/link emulator/wire/stanza "
        "emulator/world/account emulator/world/service service/pipeline service/service "
        "trials/bench/bots trials/peers/echo_process trials/peers/keeper trials/peers/kicked_client "
        "trials/peers/notify_socket trials/peers/raw_echo trials/soak/disk trials/soak/faults "
        "trials/soak/file_faults "
        "trials/soak/trial whatsapp/client"
    ),
    "emulator/server/test_launcher.py": "emulator/server/root_key",
    "emulator/server/test_media_host.py": "emulator/world/media emulator/world/media_faults",
    "emulator/signal": "message_kinds ratchet",
    "emulator/world/test_faults.py": "timers transcript",
    "handbook": "example tables",
    "inbound/test_intake.py": "drain",
    "janitor": "sweep",
    "media/test_worker.py": "voice workers",
    "media/test_picture.py": "document first_file system/untrusted/picture_child",
    "outbound/test_receipts.py": "receipt_file",
    "outbound/test_upload.py": "conversation/files/files_to_upload",
    "privacy/test_erasure.py": "library_store person",
    "privileges": "remembered_files root_helper root_queries",
    "service": "clock_watch pairing picture_file",
    "session": "directories logged_out ownership",
    "status": "metrics",
    "system": "terminal",
    "system/untrusted/test_pdf.py": "confined pdf_child",
    "e2e/test_demo.py": "trials/demo/demo trials/demo/narrator",
    "trials/bench": "knowledge leaks losses media messages shops size size_filling",
    "trials/demo/test_screen.py": "terminal_picture",
    "trials/peers": "instant_model model_behaviours model_server",
    "trials/peers/test_transcriber_behaviours.py": "forms",
    "trials/soak/test_soak.py": "command database model plan report",
    "whatsapp/reading/test_places.py": "text_fields",
    "whatsapp": "library messages sealed_edits store_query",
}


def _modules() -> set[str]:
    paths = {path.relative_to(PROGRAM).with_suffix("") for path in PROGRAM.rglob("*.py")}
    return {
        path.as_posix()
        for path in paths
        if path.name not in ("__init__", "__main__") and "migrations" not in path.parts
    }


def _excused() -> list[str]:
    found = []
    for place, named in TESTED_BY.items():
        package = place.rpartition("/")[0] if place.endswith(".py") else place
        found += [name if "/" in name else f"{package}/{name}" for name in named.split()]
    return found


def _own_test(module: str) -> Path:
    package, _, name = module.rpartition("/")
    return TESTS / package / f"test_{name}.py"


def test_each_module_has_a_test_file_of_its_own_or_it_is_said_what_tests_it() -> None:
    assert [place for place in TESTED_BY if not (TESTS / place).exists()] == []
    excused = _excused()
    assert len(set(excused)) == len(excused)
    assert {module for module in _modules() if not _own_test(module).exists()} == set(excused)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_for_and_loads_nothing(package: str) -> None:
    parsed = ast.parse((PROGRAM / package / "__init__.py").read_text())
    assert ast.get_docstring(parsed)
    if package not in WITH_IMPORTS:
        assert not [node for node in ast.walk(parsed) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_modules_are_short_enough_to_be_read() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PROGRAM.rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}
