from __future__ import annotations

from pathlib import Path

from wabot.trials.bench.janitor import measure


def test_removes_the_orphans_while_another_process_writes(database_url: str, tmp_path: Path) -> None:
    result = measure(database_url, tmp_path, rows=3000, orphans=300)
    assert result["removed"] == 300
    assert result["second_run_actions"] == 0
    assert result["writes_meanwhile"] > 0
    assert result["longest_write_seconds"] < 5
