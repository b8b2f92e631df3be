"""The emulator at a terminal: be a customer, see what the bot does, let things go wrong."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from wabot.emulator.people.attachments import read_file
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.pairing import PairingError
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.places import Place
from wabot.emulator.world.service import NotLinked
from wabot.emulator.world.transcript import Event

HELP = """\
TEXT              write it as the present customer
/voice FILE       send it as a voice note (Ogg/Opus); without FILE a silent one
/picture FILE TEXT
                  send it as a picture, with a caption if you like
/file FILE        send it as a document
/location LAT,LON NAME
                  send a place on the map, with a name if you like
/as N             be customer N (1, 2 ...)
/phone TEXT       write to the present customer from the owner's phone
/scan CODE        scan the code the bot shows (the text of the QR code)
/type CODE        type the code the bot shows (eight characters) into the phone
/cut              cut the link now;  /cut send: at the bot's next message
/refuse 10s       refuse connections for a while
/silence, /speak  let the link fall silent, and end it
/replace          log the same device in elsewhere
/logout           unlink the bot from the phone
/ban 30s          ban the account for a while
/late 2s          let what the bot is sent come late (0s: at once)
/status           what the service knows of the bot
/help, /quit      this text; the end (Ctrl-D as well)
"""

_SHOWN = {
    "codes shown": "the bot shows a code to scan",
    "code made": "the bot shows a code to type",
    "cut": "the link is cut",
    "linked": "the bot is linked",
    "active": "the bot is logged in",
    "link ended": "the bot's link ended",
    "login refused": "the bot's login was refused: {detail}",
    "replaced": "the bot was told that it was replaced",
    "logged out": "the bot was unlinked",
    "refusing": "refusing connections for {detail}",
    "refused proxy": "a connection to {detail} was refused: nothing leaves this machine",
    "unknown query": "the bot asked what nobody here knows, and was told so: {detail}",
    "backlog": "waiting messages that were delivered: {detail}",
    "reply": "{who} reads: {detail}",
    "own chat": "the owner reads in the chat with themselves: {detail}",
    "unreadable": "{who} cannot read a message: {detail}",
    "duplicate": "{who} ignores a message that came twice",
    "typing": "{who} sees the bot {detail}",
    "presence": "the bot is {detail}",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|)")
_PATH_AND_CAPTION = re.compile(r"(?:\"([^\"]+)\"|(\S+))(?:\s+(.+))?")
_PLACE = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*,\s*([-+]?\d+(?:\.\d+)?)(?:\s+(.+))?")
_UNIT_SECONDS = {"s": 1, "m": 60, "": 1}


class ConsoleError(Exception):
    """A line that cannot be carried out; the message says why."""


class Console:
    """Carries out the lines of one person and shows them the events of `emulator` on `out`."""

    def __init__(self, emulator: Emulator, out: TextIO) -> None:
        self._emulator = emulator
        self._out = out
        self._customer = emulator.customer(1)
        self._names = {self._customer.phone: self._customer.name}
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._printer = threading.Thread(target=self._print_events, name="emulator-console")
        self._commands: dict[str, Callable[[str], str | None]] = {
            "voice": lambda text: self._send_file("voice", text),
            "picture": self._send_picture,
            "file": lambda text: self._send_file("document", text),
            "location": self._send_place,
            "as": self._become,
            "phone": self._write_from_phone,
            "scan": self._scan,
            "type": self._type,
            "cut": self._cut,
            "refuse": self._refuse,
            "silence": lambda _: self._emulator.silence(),
            "speak": lambda _: self._emulator.speak(),
            "replace": lambda _: self._emulator.replace(),
            "logout": lambda _: self._emulator.log_out(),
            "ban": lambda text: self._emulator.ban(_seconds(text or "30s")),
            "late": lambda text: self._emulator.faults.latency(_seconds(text)),
            "status": lambda _: self._status(),
            "help": lambda _: HELP,
        }

    def run(self, lines: TextIO) -> None:
        """Carry out `lines` until they end or one says /quit."""
        self._emulator.on_event(self._events.put)
        self._printer.start()
        try:
            for line in lines:
                if line.strip() == "/quit":
                    return
                self.carry_out(line.strip())
        finally:
            self._events.put(None)
            self._printer.join()

    def carry_out(self, line: str) -> None:
        """Do what one line says and show the answer."""
        try:
            answer = self._do(line)
        except (ConsoleError, NotLinked, PairingError) as error:
            answer = f"no: {error}"
        if answer:
            self._show(answer)

    def _do(self, line: str) -> str | None:
        if not line:
            return None
        if not line.startswith("/"):
            self._customer.send(line)
            return None
        name, _, rest = line[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise ConsoleError(f"/{name} is unknown; /help tells what there is")
        return command(rest.strip())

    def _become(self, text: str) -> str:
        if not (text.isascii() and text.isdigit() and int(text)):
            raise ConsoleError("/as wants a number: /as 2")
        self._customer = self._emulator.customer(int(text))
        self._names[self._customer.phone] = self._customer.name
        return f"you are {_describe(self._customer)}"

    def _send_picture(self, text: str) -> None:
        # What stands before the caption is a path, which may have blanks in quotation marks.
        match = _PATH_AND_CAPTION.fullmatch(text)
        if match is None:
            raise ConsoleError("/picture wants a file, and a caption if you like: /picture pot.jpg Our pot")
        self._send_file("image", match[1] or match[2], match[3] or "")

    def _send_file(self, kind: str, path: str, caption: str = "") -> None:
        if not path and kind != "voice":
            raise ConsoleError("/file wants a file: /file prices.pdf")
        try:
            file = read_file(Path(path).expanduser(), kind) if path else None
        except OSError as error:
            raise ConsoleError(f"{path} cannot be read: {error.strerror}") from error
        self._customer.send_media(kind, file, caption=caption)

    def _send_place(self, text: str) -> None:
        match = _PLACE.fullmatch(text)
        if match is None or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
            raise ConsoleError("/location wants degrees, and a name if you like: /location 39.47,-0.37 Shop")
        self._customer.send_place(Place(float(match[1]), float(match[2]), match[3] or ""))

    def _write_from_phone(self, text: str) -> None:
        if not text:
            raise ConsoleError("/phone wants the text that the owner writes")
        self._emulator.phone.write(self._customer, text)

    def _scan(self, text: str) -> str:
        self._emulator.phone.scan(text)
        return "scanned"

    def _type(self, text: str) -> str:
        self._emulator.phone.type_code(text)
        return "accepted"

    def _cut(self, text: str) -> str | None:
        if text == "send":
            self._emulator.faults.cut_at_send()
            return "the link will be cut when the bot sends its next message"
        self._emulator.cut()
        return None

    def _refuse(self, text: str) -> None:
        self._emulator.faults.refuse(_seconds(text or "10s"))

    def _status(self) -> str:
        bot = self._emulator.bot
        linked = f"linked as {bot.jid}" if bot.paired else "not linked"
        online = "logged in" if bot.connected else "away"
        return (
            f"the bot is {linked}, {online}; {bot.logins} logins in {bot.dials} dials, "
            f"{bot.backlog} messages wait for it; you are {_describe(self._customer)}"
        )

    def _print_events(self) -> None:
        while (event := self._events.get()) is not None:
            form = _SHOWN.get(event.kind)
            if form is not None:
                who = self._names.get(event.who, event.who)
                self._show(form.format(who=who, detail=event.detail))

    def _show(self, text: str) -> None:
        moment = time.strftime("%H:%M:%S")
        # What a bot sends is shown without the control characters that could drive the terminal.
        printable = "".join(char if char.isprintable() or char == "\n" else "?" for char in text.rstrip())
        self._out.write(f"{moment}  " + printable.replace("\n", "\n" + " " * 10) + "\n")
        self._out.flush()


def _describe(customer: Customer) -> str:
    return f"{customer.name}, +{customer.phone}"


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ConsoleError(f"{text!r} is no duration: say 30s or 2m")
    return float(match[1]) * _UNIT_SECONDS[match[2]]
