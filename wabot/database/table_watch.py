"""Looks for wabot's own tables in a running bot, once a statement failed as it does where one is gone."""

from __future__ import annotations

import logging
import threading

import peewee

from wabot.database.models import database
from wabot.database.own_tables import can_make, suspected, to_be_made, what_is_missing
from wabot.errors import OperatorNeeded

log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 10.0
_NO_RIGHT = (
    "and the role in database.url may not make them: GRANT CREATE ON SCHEMA public to it, or restore a backup"
)


class TableWatch:
    """A thread that sleeps as long as nothing is suspected.

    Attributes:
        gone: why the process has to start again, which makes the tables anew; "" while it has not.
        trouble: what keeps messages from being stored until somebody mends it; "" while nothing does.
    """

    def __init__(self) -> None:
        self.gone = ""
        self.trouble = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tables", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it; nobody waits for it."""
        self._stopping.set()
        suspected.set()

    def _run(self) -> None:
        while True:
            suspected.wait()
            if self._stopping.is_set():
                return
            self.look()
            if suspected.is_set() and self._stopping.wait(_LOOK_AGAIN_SECONDS):
                return

    def look(self) -> None:
        """Whether the tables are there; where they are, the suspicion is over."""
        try:
            missing = what_is_missing(database.obj)
            names = ", ".join(missing)
            if not missing:
                self.trouble = ""
                suspected.clear()
            elif to_be_made(database.obj, missing) and can_make(database.obj):
                self.gone = f"wabot's own tables {names} are gone: starting again, which makes them anew"
            else:
                self._complain(f"wabot's own tables {names} are gone, {_NO_RIGHT}")
        except OperatorNeeded as error:
            self._complain(str(error))
        except (peewee.DatabaseError, peewee.InterfaceError) as error:
            log.warning("database: %s; its tables are looked for later", error)
        finally:
            database.close()

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble
