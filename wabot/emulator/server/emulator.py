"""The emulator as its users see it: start it, send a bot there, be its customers, let things go wrong."""

from __future__ import annotations

import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType

from wabot.emulator.people.customer import Customer
from wabot.emulator.people.group import Group
from wabot.emulator.people.phone import OwnerPhone
from wabot.emulator.people.writer import Addressing
from wabot.emulator.server.bot_state import BotState
from wabot.emulator.server.dial import Dial
from wabot.emulator.server.doorway import Doorway
from wabot.emulator.server.listener import LOOPBACK, SERVICE, Listener
from wabot.emulator.server.media_host import MediaHost
from wabot.emulator.server.session import ended_by_logout, ended_by_newer
from wabot.emulator.wire.noise import NoiseIdentity
from wabot.emulator.wire.stanza import Node
from wabot.emulator.wire.tokens import client_tokens
from wabot.emulator.world.faults import Faults
from wabot.emulator.world.media import MEDIA_HOSTS
from wabot.emulator.world.service import Service
from wabot.emulator.world.timers import Timers
from wabot.emulator.world.transcript import Event

_log = logging.getLogger(__name__)


class Emulator:
    """A WhatsApp service with one account, on a free port of the loopback interface.

    `seed` decides the phone numbers. The backlog of messages comes after the bot's "active" or right after
    its "success" (`offline_after`). Every stanza to the bot leaves `latency_seconds` late. `directory` is
    where the certificate authority is written; a temporary one by default.
    """

    def __init__(
        self,
        seed: int = 0,
        offline_after: str = "active",
        latency_seconds: float = 0.0,
        directory: Path | None = None,
    ) -> None:
        if offline_after not in ("active", "success"):
            raise ValueError(f"a backlog comes after 'active' or 'success', not after {offline_after!r}")
        self._tokens = client_tokens()
        self._identity = NoiseIdentity.generate()
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="wabot-emulator-")
        self._timers = Timers()
        self._dials: set[Dial] = set()
        self._dials_lock = threading.Lock()
        self.faults = Faults(self._refuse_connections)
        self.faults.latency(latency_seconds)
        self._service = Service(seed, self.faults, self._timers, offline_after)
        self.phone = OwnerPhone(self._service)
        self._service.add_person(self.phone)
        self.bot = BotState(self._service)
        self._customers: dict[int, Customer] = {}
        self.media = self._service.media
        self._listener = Listener(
            {SERVICE: self._serve, **{host: partial(self._serve_media, host) for host in MEDIA_HOSTS}},
            lambda target: self._service.note("refused proxy", "bot", target),
            self._take_host_fault,
        )
        folder = directory or Path(self._temporary.name if self._temporary else "")
        self._doorway = Doorway(self._listener.port, self._identity.root.public, folder)
        self._context = self._doorway.make_certificate()
        _log.warning("this is an emulator of WhatsApp on %s, port %d", LOOPBACK, self._listener.port)

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every connection and thread and remove the temporary directory."""
        self.cut()
        self._listener.stop()
        self._timers.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    # How a bot gets here.

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process that is to find the emulator: `base` (default: this process's) and
        where proxy and certificate authority are."""
        return self._doorway.environment(base)

    def guest_environment(self, code_file: Path, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The same for any Python program that uses neonize, with no launcher before it: the code that it
        shows is written to `code_file`."""
        return self._doorway.guest_environment(code_file, base)

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `wabot` with `arguments` against this emulator."""
        return self._doorway.command("wabot", *arguments)

    def command_for_script(self, path: str | Path, *arguments: str) -> list[str]:
        """The command line that runs a Python script which uses neonize against this emulator."""
        return self._doorway.command(str(path), *arguments)

    # Who writes to it.

    def customer(
        self,
        number: int,
        name: str | None = None,
        addressing: Addressing = "lid",
        message_secret: bool = True,
    ) -> Customer:
        """Customer `number` (1, 2 ...), made at the first call; later calls return the same one."""
        with self._service.lock:
            customer = self._customers.get(number)
            if customer is None:
                phone = f"34600{number:06}"
                lid = f"1{self._service.numbers.randrange(10**8):08}{number:06}"
                name = name or f"Customer {number}"
                customer = Customer(self._service, phone, lid, name, addressing, message_secret)
                self._customers[number] = customer
                self._service.add_person(customer)
            return customer

    def group(self, name: str, members: list[Customer]) -> Group:
        """A new group of `members` and the account."""
        with self._service.lock:
            group = Group(
                self._service, f"1203630{self._service.numbers.randrange(10**11):011}", name, members
            )
            self._service.groups[group.jid.user] = group
            return group

    # What happened.

    @property
    def transcript(self) -> list[Event]:
        """Everything that happened, oldest first."""
        return self._service.transcript.events()

    def on_event(self, listener: Callable[[Event], None]) -> None:
        """Let `listener` know every event from now on; it is called by busy threads and must not wait."""
        self._service.listeners.append(listener)

    def wait_for_login(self, count: int = 1, timeout_seconds: float = 20.0) -> None:
        """Wait until the bot has logged in `count` times and takes messages; raises TimeoutError."""
        self.wait_until(
            lambda: self.bot.logins >= count, timeout_seconds, f"login {count}, had {self.bot.logins}"
        )

    def wait_until(
        self, predicate: Callable[[], object], timeout_seconds: float = 20.0, wanted: str = "a condition"
    ) -> None:
        """Wait until `predicate` (looked at after every event) is true; raises TimeoutError."""
        with self._service.lock:
            if not self._service.lock.wait_for(predicate, timeout_seconds):
                last = ", ".join(f"{event.kind} {event.who}" for event in self.transcript[-5:])
                raise TimeoutError(f"waited {timeout_seconds:g} s for {wanted}; last events: {last}")

    # What goes wrong now; what goes wrong later is in `faults`.

    def cut(self) -> None:
        """End every link at once, as a network does; what is under way with a media host goes on."""
        with self._dials_lock:
            dials = list(self._dials)
        self._service.note("cut", "bot")
        for dial in dials:
            dial.cut()

    def replace(self) -> None:
        """Tell the bot that the same device has logged in elsewhere."""
        self._end_session(ended_by_newer(), "replaced")

    def log_out(self) -> None:
        """Unlink the bot from the phone: it is told so if it is there, and refused with 401 from now on."""
        self._end_session(ended_by_logout(), "logged out")
        self._service.unlink()

    def ban(self, seconds: float, code: int = 101) -> None:
        """Ban the account for `seconds`: the link is cut, each login before the end is refused with 402."""
        self.faults.ban(seconds, code)
        self._service.note("banned", "bot", f"{seconds:g} s")
        self.cut()

    def stream_error(self, code: int | None, close: bool = True) -> None:
        """Send <stream:error>, with a `code` or without; then the link is closed unless `close` is False."""
        attributes = {} if code is None else {"code": str(code)}
        self._end_session(Node("stream:error", attributes), f"stream error {code}", close)

    def silence(self) -> None:
        """Let the present links fall silent: nothing is read or written any more, but they stay open."""
        self._service.note("silent", "bot")
        for dial in self._with_links():
            if dial.link:
                dial.link.fall_silent()

    def speak(self) -> None:
        """End `silence`: what was held back flows."""
        self._service.note("speaks again", "bot")
        for dial in self._with_links():
            if dial.link:
                dial.link.speak()

    def receipt(self, customer: Customer, type: str | None = None, message_id: str | None = None) -> None:
        """Send the bot a receipt of `customer`, of any type, for their last reply unless told otherwise."""
        replies = customer.replies
        about = message_id or (replies[-1].message_id if replies else "3EB0000000000000000000")
        self._service.tell(customer.receipt(about, type))

    def accept_connections(self) -> None:
        """End `faults.refuse` before its time."""
        self._listener.accept_again()

    def _end_session(self, stanza: Node, event: str, close: bool = True) -> None:
        with self._service.lock:
            link = self._service.link
            self._service.note(event, "bot")
            if link is None:
                return
            if close:
                self._service.leave(link)
                link.send_last(stanza)
            else:
                link.send(stanza)

    def _with_links(self) -> list[Dial]:
        with self._dials_lock:
            return [dial for dial in self._dials if dial.link is not None]

    def _refuse_connections(self, seconds: float) -> None:
        self._listener.refuse()
        self._service.note("refusing", "bot", f"{seconds:g} s")
        self._timers.call_later(seconds, self._listener.accept_again)

    def _take_host_fault(self, host: str) -> str:
        fault = self.faults.media.take_host(host) if host in MEDIA_HOSTS else ""
        if fault:
            self.media.record_refused(host, 503 if fault == "refused" else 0)
            self._service.note("refused connection", "bot", f"{host} {fault}")
        return fault

    def _serve_media(self, host: str, connection: socket.socket) -> None:
        MediaHost(self._service, host, connection, self._context).run()

    def _serve(self, connection: socket.socket) -> None:
        dial = Dial(self._service, self.phone, connection, self._context, self._identity, self._tokens)
        with self._dials_lock:
            self._dials.add(dial)
        try:
            dial.run()
        finally:
            with self._dials_lock:
                self._dials.discard(dial)
