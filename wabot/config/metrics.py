"""Settings of the metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wabot.config.setting_types import SettingType, setting, text

_NAME = text(longest=4000, pattern=r"(/(.*/)?[^/]+\.prom)?")


def _read(value: Any) -> Path | None:
    name: str = _NAME.read(value)
    return Path(name) if name else None


_FILE = SettingType(
    "an absolute path that ends in .prom, the only files node_exporter reads",
    _read,
    lambda value: json.dumps(str(value)),
)


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Figures for Prometheus, in a file that node_exporter reads."""

    file: Path | None = setting(
        _FILE,
        None,
        "written every 15 s, readable by everybody; in the service best "
        "/run/wabot-metrics/wabot.prom; empty = none",
    )
