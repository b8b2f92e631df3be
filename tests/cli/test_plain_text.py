from __future__ import annotations

import pytest

from tests.support.handbook import HANDBOOK, blocks_of
from wabot.cli.plain_text import plain_text

_PAGE = """\
# A page

Words with `*.md` as typed, **strong** and *soft* ones, a
[link](operate.md#alerts), another [here](#below), [one away](https://example.com).

![a picture](../../.pictures/status.svg)

* one item that
  goes on
* another

```
sudo wabot status --json
```

<!-- rules -->

| when | rule |
|---|---|
| now | `a\\|b` |
|  | the other |

## Below
"""
_SHOWN = """\
A page
======

Words with `*.md` as typed, strong and soft ones, a link (wabot help
operate), another here, one away (https://example.com).

* one item that goes on
* another

    sudo wabot status --json

when  rule
----  ---------
now   `a|b`
      the other

Below
-----
"""


def test_marks_become_a_layout() -> None:
    assert plain_text(_PAGE, 70) == _SHOWN


def test_a_table_that_is_too_wide_stands_row_by_row() -> None:
    table = "| state | meaning |\n|---|---|\n| `banned` | WhatsApp banned it for a while |\n|  | and more |\n"
    shown = "`banned`\n    meaning: WhatsApp\n      banned it for a\n      while\n    meaning: and more\n"
    assert plain_text(table, 24) == shown


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("page", HANDBOOK)
def test_every_page_fits_and_loses_no_command(page: str, width: int) -> None:
    shown = plain_text(HANDBOOK[page], width)
    kinds = ("", "toml", "text", "sql", "markdown", "python")
    typed = [
        line for kind in kinds for block in blocks_of(HANDBOOK[page], kind) for line in block.splitlines()
    ]
    rest = shown
    for line in filter(None, typed):
        assert f"    {line}\n" in shown
        rest = rest.replace(f"    {line}\n", "")
    for line in rest.splitlines():
        assert len(line) <= width or " " not in line.strip(), line
    assert "](" not in rest and "**" not in rest
