"""A bare Debian made by debootstrap, and what an installation on it fetches, for a machine without a network.

Which mirror is asked is the business of this machine's apt, which package index that of its pip.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.systemd import container

PYTHON_OF = {"bookworm": "3.11", "trixie": "3.13"}
"""The releases of Debian the installer is tried on, and the Python each brings."""

_INCLUDED = "systemd,systemd-sysv,dbus,sudo"
# What the installer asks apt for, at most, and what an owner may have besides.
_FETCHED = ("python3", "python3-venv", "libmagic1", "postgresql")
# The newest tag says nothing about the older ones: pip takes just those that are named.
_WHEELS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_TIMEOUT_SECONDS = 900


class Unavailable(Exception):
    """A bare machine cannot be had here; the text says why."""


def missing() -> str:
    """Why this machine cannot make and boot a bare one; empty when it can."""
    if reason := container.missing():
        return reason
    if shutil.which("debootstrap") is None:
        return "not installed: debootstrap"
    return "" if _mirror() else "apt knows no mirror of Debian here; apt-get update may help"


@contextmanager
def in_memory() -> Iterator[str]:
    """A directory for some hundred megabytes to throw away: on a disk dpkg waits for each file it writes."""
    with tempfile.TemporaryDirectory(prefix="wabot-bare-") as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "wabot-bare", directory], check=True)
        try:
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


def make(release: str, root: Path) -> None:
    """Make one, with the packages an installation adds already in apt's cache, and none of them installed.

    Args:
        release: the code name, one of `PYTHON_OF`.
        root: an empty directory.

    Raises:
        Unavailable: when the mirror does not give what is needed.
    """
    _run("debootstrap", "--variant=minbase", f"--include={_INCLUDED}", release, str(root), _mirror())
    _run("chroot", str(root), "apt-get", "update", "-q")
    # debootstrap gives it the name of this machine; sudo wants to know whose that is.
    Path(root, "etc", "hostname").write_text("bare\n")
    Path(root, "etc", "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 bare\n")
    fetch = ("apt-get", "install", "-y", "-q", "--download-only", "--no-install-recommends")
    _run("chroot", str(root), *fetch, *_FETCHED)


def download_wheels(release: str, pins: Path, directory: Path) -> None:
    """Download what a file like scripts/requirements.txt names, for the Python of a release.

    Raises:
        Unavailable: when the package index does not give it.
    """
    _run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(directory)),
        # With the setuptools of the test: to install another one takes as long as to download all.
        "--no-build-isolation",
        *("--implementation", "cp", "--python-version", PYTHON_OF[release]),
        *(f"--platform={tag}_{platform.machine()}" for tag in _WHEELS),
        *("--require-hashes", "--requirement", str(pins)),
    )


def _mirror() -> str:
    """Where apt gets Debian itself from; empty when it does not know."""
    form = "$(LABEL) $(COMPONENT) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    if shutil.which(command[0]) is None:
        return ""
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    uris = [line.rpartition(" ")[2] for line in shown.splitlines() if line.startswith("Debian main ")]
    return uris[0] if uris else ""


def _run(*command: str) -> None:
    # What debootstrap mounts is gone with it, however it ends.
    prefix = ("setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private")
    done = subprocess.run(
        [*prefix, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-5:])
        raise Unavailable(f"{' '.join(command)}: exit {done.returncode}\n{last}")
