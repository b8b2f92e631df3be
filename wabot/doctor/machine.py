"""Checks of the machine: the unit, the clock, the disk, the way to WhatsApp."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests

from wabot.clock import local_text
from wabot.config.machine import configurations
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.privileges.root_queries import show_unit
from wabot.system.http import why_unreachable
from wabot.system.process import output_of
from wabot.system.units import CONFIGURATIONS, unit_of
from wabot.whatsapp.library import LIBRARY_ENVIRONMENT

_LEAST_FREE_BYTES = 200_000_000
_LEAST_FREE_FILES = 1000
_CLOCK_TOLERANCE_SECONDS = 120
_WHATSAPP = "https://web.whatsapp.com/"
_TIMEOUT_SECONDS = 15.0
_PROPERTIES = (
    "LoadState",
    "UnitFileState",
    "ActiveState",
    "SubState",
    "NRestarts",
    "Type",
    "NotifyAccess",
    "WatchdogUSec",
    "NeedDaemonReload",
    "Environment",
)


def check_unit(examined: Examined) -> list[Finding]:
    """Whether systemd starts, restarts and watches the bot."""
    if examined.file is not None and examined.file.absolute().parent != CONFIGURATIONS:
        return [healthy("unit", f"not looked at, because {examined.file} is not in {CONFIGURATIONS}")]
    properties = show_unit(examined.unit, *_PROPERTIES)
    if properties is None:
        return [healthy("unit", "there is no systemd here: something else has to start the bot")]
    findings = judge_unit(examined.unit, properties)
    timers = _timers(examined)
    if not any((show_unit(each, "UnitFileState") or {}).get("UnitFileState") == "enabled" for each in timers):
        cure = f"sudo systemctl enable --now {timers[0]}"
        findings.append(problem("janitor timer", f"{timers[0]} is not enabled: nothing cleans up", cure))
    return findings or [
        healthy("unit", f"{examined.unit} is {properties['ActiveState']}, enabled and watched")
    ]


def _timers(examined: Examined) -> list[str]:
    """The timers of which one is enough: the bot's own, and those of bots that share state and database."""
    shared = [
        found.name
        for found in configurations(examined.settings, examined.environ)
        if found.settings is not None
        and found.settings.paths == examined.settings.paths
        and found.settings.database.url == examined.settings.database.url
    ]
    units = dict.fromkeys([examined.unit, *(unit_of(Path(f"{name}.toml")) for name in shared)])
    return [unit.replace("wabot", "wabot-janitor", 1).replace(".service", ".timer") for unit in units]


def judge_unit(unit: str, properties: dict[str, str]) -> list[Finding]:
    """The illnesses of a service.

    Args:
        unit: its name.
        properties: as `systemctl show` prints them.
    """
    if properties.get("LoadState") != "loaded":
        return [
            problem("unit", f"{unit} is {properties.get('LoadState', 'unknown')}", "sudo scripts/install")
        ]
    revert = f"sudo systemctl revert {unit} && sudo systemctl restart {unit}"
    environment = properties.get("Environment", "")
    restarts = properties.get("NRestarts", "0")
    unset = [name for name in LIBRARY_ENVIRONMENT if f"{name}=" not in environment]
    symptoms = (
        (
            properties.get("UnitFileState") != "enabled",
            f"{unit} is not enabled: it does not start with the machine",
            f"sudo systemctl enable {unit}",
        ),
        (
            properties.get("ActiveState") == "failed",
            f"{unit} has failed",
            f"as the other lines say, or sudo journalctl -u {unit} -n 50; then sudo systemctl start {unit}",
        ),
        (
            # Started again and again, it is hardly ever anything else. The first restart is counted late.
            properties.get("ActiveState") == "activating"
            and (restarts != "0" or properties.get("SubState") == "auto-restart"),
            f"{unit} ends by itself and is started again (restarts: {restarts}): nobody is answered",
            f"as the other lines say, or sudo journalctl -u {unit} -n 50",
        ),
        (
            properties.get("ActiveState") == "inactive",
            f"{unit} is stopped: nobody is answered",
            f"sudo systemctl start {unit}, once a number is linked",
        ),
        (
            properties.get("Type") != "notify" or properties.get("NotifyAccess") == "none",
            f"{unit} is not of Type=notify: systemd takes it for ready when it is not",
            revert,
        ),
        (
            # systemd fills it in when it starts the unit.
            properties.get("ActiveState") == "active"
            and properties.get("WatchdogUSec") in ("0", "infinity", None),
            f"{unit} has no WatchdogSec=: nobody notices when it hangs",
            revert,
        ),
        (
            bool(unset),
            f"{unit} lacks {' and '.join(unset)} in its Environment=: it has to start twice",
            revert,
        ),
        (
            properties.get("NeedDaemonReload") == "yes",
            f"the file of {unit} was changed after systemd read it",
            "sudo systemctl daemon-reload",
        ),
    )
    return [problem("unit", text, cure) for is_ill, text, cure in symptoms if is_ill]


def check_clock(examined: Examined) -> list[Finding]:
    """Whether the time can be right: a wrong one breaks TLS, and every age that is judged."""
    cure = "sudo timedatectl set-ntp true"
    program_written_at = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC).replace(tzinfo=None)
    if examined.now < program_written_at:
        text = f"it is {local_text(examined.now)} here, before this program was installed"
        return [problem("clock", text, cure)]
    command = ("timedatectl", "show", "--property=NTPSynchronized,CanNTP")
    shown = output_of(*command, timeout_seconds=_TIMEOUT_SECONDS) or ""
    if "NTPSynchronized=no" in shown:
        if "CanNTP=no" in shown:
            cure = "sudo apt-get install -y systemd-timesyncd"
        return [problem("clock", "it is not synchronized with any time server", cure)]
    known = "NTPSynchronized=yes" in shown
    return [healthy("clock", "synchronized" if known else "nothing looks wrong")]


def check_disk(examined: Examined) -> list[Finding]:
    """Whether there is room for keys and messages."""
    path = examined.settings.paths.state
    while not path.exists():
        path = path.parent
    found = os.statvfs(path)
    free_bytes = found.f_bavail * found.f_frsize
    if free_bytes < _LEAST_FREE_BYTES:
        text = f"{free_bytes / 1_000_000:.0f} MB are free below {path}"
        return [
            problem("disk", text, f"df -h {path}; sudo journalctl --vacuum-size=200M; sudo apt-get clean")
        ]
    if found.f_files and found.f_favail < _LEAST_FREE_FILES:
        return [problem("disk", f"{found.f_favail} more files fit below {path}", f"df -i {path}")]
    return [healthy("disk", f"{free_bytes / 1_000_000_000:.1f} GB are free below {path}")]


def check_whatsapp(examined: Examined) -> list[Finding]:
    """Whether WhatsApp can be reached; only when other machines may be asked."""
    if not examined.online:
        return [healthy("network", "not looked at; with --online it is")]
    proxy = examined.settings.connection.proxy
    try:
        response = requests.head(
            _WHATSAPP, timeout=_TIMEOUT_SECONDS, proxies={"https": proxy, "http": proxy} if proxy else None
        )
    except requests.RequestException as error:
        text = f"{_WHATSAPP} cannot be reached: {why_unreachable(error)}"
        return [
            problem(
                "network",
                text,
                "mend that; the machine needs a name server, the certificates of the distribution "
                "(ca-certificates) and the right time, and a firewall or proxy must let port 443 out",
            )
        ]
    try:
        there = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return [healthy("network", "WhatsApp answers")]
    seconds = abs((datetime.now(UTC) - there.astimezone(UTC)).total_seconds())
    if seconds > _CLOCK_TOLERANCE_SECONDS:
        text = f"this machine is {seconds:.0f} seconds off WhatsApp's time"
        return [problem("clock", text, "sudo timedatectl set-ntp true")]
    return [healthy("network", "WhatsApp answers")]
