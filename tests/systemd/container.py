"""A booted systemd with a private network, in which the unit files run as they are shipped.

It is a copy of this machine, or of another one's root directory: an overlay over it whose upper layer is in
memory, so nothing that happens inside is written back. The mounts live in a mount namespace of their own and
vanish with the last process in it; the container ends when the process that started it ends, however that
happens.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.systemd import cgroups
from tests.systemd.units import Units

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
UNITS = REPOSITORY / "systemd"
PREFIX = Path("/opt/wabot")

_numbers = itertools.count(1)
_CLONE_NEWNET = 0x40000000
_TOOLS = ("systemd-nspawn", "nsenter", "unshare", "setpriv")
# The upper layer of an overlay must be on another file system than the lower one.
_MOUNT = """
mount -t tmpfs -o mode=0755 tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
"""
# The words up to "--" are control groups to enter. exec, so that the one process known to the test is nspawn
# itself.
_BOOT = (
    _MOUNT.rstrip()
    + """ && root=$1/root && shift 2 &&
while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" && shift || exit 1; done &&
shift && exec systemd-nspawn --directory="$root" "$@"
"""
)
_IN_OWN_NAMESPACE = ("unshare", "--mount", "--propagation", "private", "sh", "-c")


def missing() -> str:
    """Why this machine cannot run a container; empty when it can."""
    if os.geteuid() != 0:
        return "booting a systemd needs root"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (package systemd-container)"
    with tempfile.TemporaryDirectory() as directory:
        trial = subprocess.run(
            [*_IN_OWN_NAMESPACE, _MOUNT, "sh", directory, "/"], capture_output=True, text=True, check=False
        )
    if trial.returncode:
        return f"no overlay over / can be mounted here: {trial.stderr.strip()}"
    return ""


class Container(Units):
    """A machine inside the machine, running from `with` to its end.

    Args:
        directory: an empty one, outside of what the container needs to see.
        binds: further directories of this machine, and where they are to be seen, read-only.
        base: the root directory of another machine, to be booted as it is; None for a copy of this one, with
            wabot put into it.
    """

    def __init__(
        self, directory: Path, binds: Mapping[Path, Path] | None = None, base: Path | None = None
    ) -> None:
        self._directory = directory
        self._binds = dict(binds or {})
        self._base = base
        self._console = directory.with_name(directory.name + ".console")
        self._process: subprocess.Popen[bytes] | None = None
        self._init_pid = 0
        self._groups: list[Path] = []

    def __enter__(self) -> Self:
        try:
            self._boot()
            if self._base is None:
                self._install()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Switch it off; what it wrote is gone."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        if self._init_pid and Path(f"/proc/{self._init_pid}").exists():
            os.kill(self._init_pid, signal.SIGKILL)
        self._process = None
        cgroups.remove(self._groups)

    # What is in it.

    def path(self, inside: str | Path) -> Path:
        """Where a file of the container is to be found from outside."""
        return Path(f"/proc/{self._init_pid}/root") / str(inside).lstrip("/")

    def write(self, inside: str | Path, text: str, mode: int = 0o644) -> None:
        """Write a file that belongs to root."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def run(
        self, *command: str, check: bool = True, timeout_seconds: float = 60, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root, in the container's own environment."""
        done = subprocess.run(
            [*self.entrance(), *command],
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"},
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def entrance(self) -> list[str]:
        """The command that runs the words behind it inside, as root."""
        namespaces = ("--mount", "--uts", "--net", "--ipc", "--pid", "--cgroup")
        return ["nsenter", f"--target={self._init_pid}", *namespaces]

    def in_network(self, function: Callable[[], T]) -> T:
        """Call `function` on a thread in the container's network.

        The sockets it opens, and those of the threads it starts, stay there: a network namespace belongs to a
        thread and is inherited.
        """
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._call_in_network, function).result()

    # How it comes to be.

    def _boot(self) -> None:
        binds = self._binds
        # What this machine's own services would do in its copy is nothing a test wants.
        target = ["--unit=basic.target"] if self._base is None else []
        if self._base is None:
            binds |= {REPOSITORY: PREFIX / "src", Path(sysconfig.get_path("purelib")): PREFIX / "packages"}
            if self._python_prefix() != Path(sys.base_prefix):
                binds[Path(sys.base_prefix)] = self._python_prefix()
        self._directory.mkdir()
        name = f"wabot-test-{os.getpid()}-{next(_numbers)}"
        self._groups = cgroups.make(name)
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),
                    *(*_IN_OWN_NAMESPACE, _BOOT, "sh", str(self._directory), str(self._base or "/")),
                    *(*map(str, self._groups), "--"),
                    *("--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe"),
                    f"--machine={name}",
                    *(f"--bind-ro={outside}:{inside}" for outside, inside in binds.items()),
                    *("--boot", "--", *target),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self._is_running():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the container did not boot\n{self._console.read_text(errors='replace')}")
            time.sleep(0.1)

    def _is_running(self) -> bool:
        assert self._process is not None
        children = subprocess.run(
            ["pgrep", "--parent", str(self._process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        if not children:
            return False
        self._init_pid = int(children[0])
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def _install(self) -> None:
        """Install by hand, with the interpreter and the packages of the test and the checkout as it is."""
        python = self._python_prefix() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        library = PREFIX / "lib" / python.name / "site-packages"
        self.write(PREFIX / "pyvenv.cfg", f"home = {python.parent}\ninclude-system-site-packages = false\n")
        self.write(library / "wabot.pth", f"{PREFIX}/packages\n{PREFIX}/src\n")
        self.write(
            PREFIX / "bin" / "wabot",
            f"#!{PREFIX}/bin/python\nfrom wabot.cli.parser import entry_point\nentry_point()\n",
            mode=0o755,
        )
        self.run("ln", "-s", str(python), f"{PREFIX}/bin/python")
        # An interpreter may look for its library where it was built: in a home, which services cannot see.
        self.write("/etc/ld.so.conf.d/wabot-test.conf", f"{self._python_prefix()}/lib\n")
        self.run("ldconfig")
        home = ("--home-dir", "/var/lib/wabot", "--shell", "/bin/false")
        self.run("useradd", "--system", "--user-group", *home, "wabot")
        for unit in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
            self.write(f"/etc/systemd/system/{unit.name}", unit.read_text())
        self.run("systemctl", "daemon-reload")

    def _python_prefix(self) -> Path:
        system = sys.base_prefix in ("/usr", "/usr/local")
        return Path(sys.base_prefix) if system else Path("/opt/python")

    def _call_in_network(self, function: Callable[[], T]) -> T:
        with Path(f"/proc/{self._init_pid}/ns/net").open() as namespace:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        return function()
