"""What the installer installs is what setup.cfg asks for, each file pinned by its hash."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
PINS = (REPOSITORY / "scripts" / "requirements.txt").read_text()
PINNED = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\\n {4}--hash", PINS, re.MULTILINE))


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(REPOSITORY / "setup.cfg")
    lines = metadata["options"]["install_requires"].splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert len(wanted) >= 8
    for requirement in wanted:
        version = PINNED[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    assert "setuptools" in PINNED, "what builds wabot"


def test_every_pin_has_hashes_and_nothing_says_where_from() -> None:
    lines = [line for line in PINS.splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]* \\| {4}--hash=sha256:[0-9a-f]{64}( \\)?", line), (
            line
        )
    assert "//" not in PINS
