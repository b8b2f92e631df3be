"""What stands in a metrics file."""

from __future__ import annotations

import re
from pathlib import Path

Samples = dict[str, float]


def read(file: Path) -> Samples:
    """The samples of a file, without the label that all have; a file in one piece ends in a line break."""
    text = file.read_text()
    assert text.endswith("\n")
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert 'account="shop"' in name, line
            name = re.sub(r'account="shop",?', "", name).replace("{}", "")
            samples[name.replace(",}", "}")] = float(value)
    return samples
