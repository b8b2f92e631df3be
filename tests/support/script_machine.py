"""A machine that has nothing but what is put there, on which the scripts run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import IO

import pytest

REPOSITORY = Path(__file__).parents[2]
MISSING = 69
TIMEOUT_SECONDS = 60

# What the scripts may use of any Debian; the rest is stubs or absent.
_TOOLS = (
    "bash basename cat chmod dirname env flock install mkdir mktemp "
    "mv renice rm sed sha256sum sleep tail tar touch"
)

STUB_PYTHON = """\
#!/usr/bin/env bash
here=$(cat MACHINE/python-version)
case "$*" in
*sys.version_info*) echo "$0"; [[ ! -e MACHINE/old-python ]] ;;
*ensurepip*) [[ -e MACHINE/ensurepip ]] ;;
*libmagic*) [[ -e MACHINE/libmagic ]] ;;
"-c "*platform*) echo "$here" ;;
--version) echo "Python $here" ;;
*"-m venv"*)
    echo "venv" >>MACHINE/calls
    directory=${*: -1}
    rm -rf "$directory"; mkdir -p "$directory/bin"; cat "$0" >"$directory/bin/python"
    chmod +x "$directory/bin/python" ;;
*"-m pip"*)
    echo "pip ${*: -1}" >>MACHINE/calls; echo "pip at work"
    [[ ! -e MACHINE/slow-network ]] || sleep 2.5
    [[ ! -e MACHINE/no-network ]] ;;
*)
    echo "python $*" >>MACHINE/calls
    [[ ! -e MACHINE/hangs || $* != *pytest* ]] || exec sleep 60
    [[ ! -e MACHINE/fails || $* != *$(cat MACHINE/fails)* ]] || exit "$(cat MACHINE/exit-code)" ;;
esac
"""
STUB_APT = """\
#!/usr/bin/env bash
echo "apt-get $*" >>MACHINE/calls
case "$1" in
update) [[ ! -e MACHINE/no-network ]] && touch MACHINE/updated ;;
install)
    [[ -e MACHINE/updated ]] || { echo "E: Unable to locate package"; exit 100; }
    case "$*" in *-venv*) touch MACHINE/ensurepip ;; esac
    case "$*" in *" python3 "*) mv MACHINE/python3 "$(dirname "$0")" ;; esac
    case "$*" in *libmagic1*) touch MACHINE/libmagic ;; esac
    exit 0 ;;
esac
"""
_STUB_ID = '#!/usr/bin/env bash\n[[ $1 == -u ]] && cat MACHINE/uid || echo "somebody"\n'


class Machine:
    """A checkout on a machine of stubs: by default with all that is needed, and nobody's root."""

    def __init__(self, directory: Path) -> None:
        self.checkout = directory / "check out"
        self.machine = directory / "machine"
        self.path = directory / "bin"
        for folder in (self.checkout, self.machine, self.path):
            folder.mkdir()
        shutil.copytree(REPOSITORY / "scripts", self.checkout / "scripts")
        for name in ("setup.cfg", "pyproject.toml"):
            shutil.copy(REPOSITORY / name, self.checkout)
        for tool in _TOOLS.split():
            found = shutil.which(tool)
            assert found, tool
            (self.path / tool).symlink_to(found)
        self.put("uid", "1000")
        self.put("python-version", "3.11.2")
        self.put("exit-code", "3")
        self.put("ensurepip")
        self.put("libmagic")
        self.stub("python3", STUB_PYTHON)
        self.stub("id", _STUB_ID)

    def stub(self, name: str, text: str) -> None:
        """Put a program into the PATH."""
        program = self.path / name
        program.write_text(text.replace("MACHINE", str(self.machine)))
        program.chmod(0o755)

    def put(self, name: str, content: str = "") -> None:
        """Make a fact about the machine true."""
        (self.machine / name).write_text(content)

    def take(self, name: str) -> None:
        """Make it untrue."""
        (self.machine / name).unlink(missing_ok=True)

    def run(
        self, script: str, *arguments: str, stderr: int | IO[bytes] = subprocess.PIPE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script with nothing in the environment but the PATH: not even a HOME."""
        return subprocess.run(
            [self.checkout / "scripts" / script, *arguments],
            env={"PATH": str(self.path), **environment},
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    def calls(self) -> list[str]:
        """What was called since the last time, in order."""
        record = self.machine / "calls"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that lacks nothing."""
    return Machine(tmp_path)
