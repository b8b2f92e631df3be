"""The pairing code as a picture, in a file of the person who typed the command, whoever the bot is."""

from __future__ import annotations

import os
import signal
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from wabot.errors import OperatorNeeded
from wabot.privileges.become_owner import Owner, become, owner_of
from wabot.system.files import replace_file


class PictureFile:
    """A private file that is replaced as a whole, and gone at the end, also when this process is killed.

    A process of its own writes it: this one becomes the user of the bot, who may not write where root or a
    `sudo` user may. Make it before that, and before any thread is started.

    Args:
        path: where the picture is to be.

    Raises:
        OperatorNeeded: for root it is not safe to write there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        user = _who_writes(path.absolute().parent)
        self._writer, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._writer.close()
            try:
                if user is not None:
                    become(user)
                _write_for(theirs, path)
            finally:
                os._exit(0)
        theirs.close()

    def __str__(self) -> str:
        return str(self._path)

    def write(self, png: bytes) -> None:
        """Replace the picture.

        Raises:
            OperatorNeeded: the file cannot be written.
        """
        try:
            self._writer.send_bytes(png)
            trouble = self._writer.recv_bytes().decode()
        except (EOFError, OSError):
            trouble = "its writer was killed"
        if trouble:
            raise OperatorNeeded(f"the picture {self._path} cannot be written: {trouble}")

    def close(self) -> None:
        """Remove the picture."""
        if not self._writer.closed:
            self._writer.close()
            os.waitpid(self._pid, 0)


def _write_for(channel: Connection, path: Path) -> None:
    """Write what comes, until the other side ends, however that happens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    written = False
    try:
        while True:
            trouble = _write_private(path, channel.recv_bytes())
            written = written or not trouble
            channel.send_bytes(trouble.encode())
    except (EOFError, OSError):
        if written:
            path.unlink(missing_ok=True)


def _who_writes(directory: Path) -> Owner | None:
    """Whoever called sudo, which says so in the environment; else whom the directory belongs to.

    Raises:
        OperatorNeeded: somebody else decides where the directory leads.
    """
    if os.geteuid() != 0:
        return None
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if user.isdecimal() and group.isdecimal() and user != "0":
        return Owner(int(user), int(group))
    return owner_of(directory, is_shared=True)


def _write_private(path: Path, content: bytes) -> str:
    """Replace the picture as a whole: whoever shows it never sees half of it."""
    try:
        replace_file(path, content)
    except OSError as error:
        return error.strerror or "it failed"
    return ""
