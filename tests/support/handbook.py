"""README and the pages of the handbook, as tests read them."""

from __future__ import annotations

import re

from tests.support import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
HANDBOOK = {page.stem: page.read_text() for page in sorted((REPOSITORY / "wabot" / "handbook").glob("*.md"))}


def blocks_of(text: str, kind: str = "") -> list[str]:
    """What stands between the fences of a kind, such as "toml"; commands have none."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for its_kind, block in blocks if its_kind == kind]


def without_blocks(text: str) -> str:
    """The same without what stands between fences."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def section_of(page: str, heading: str) -> str:
    """What stands below a heading of the second rank, until the next."""
    return page.split(f"\n## {heading}\n")[1].partition("\n## ")[0]
