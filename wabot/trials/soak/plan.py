"""What happens in a soak, decided by a seed: who writes what and when, and what goes wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SENTENCES = (
    "Hola, ¿tienen {reference} en azul?",
    "¿Cuánto cuesta el envío de {reference} a Sevilla? 📦",
    "Buenas, quería preguntar por {reference} 🙏",
    "Hi! Is {reference} still available?",
    "What time do you open tomorrow? It is about {reference}",
    "{reference} 😀😀",
    "¿Y {reference}?",
    "ok gracias, y otra cosa: {reference}",
    "¿Me manda una foto de la maceta? Es por {reference}",
)
_LONG = (
    "Le cuento con calma, porque es un poco largo. Compramos una lámpara hace dos semanas y llegó bien, "
    "pero el cable es corto y no llega al enchufe de la pared. ¿Se puede cambiar por otro más largo? "
)
# Of those that message_kinds can make, the ones that somebody who sends them wants something with.
_KINDS = [
    "order",
    "product",
    "payment_request",
    "payment",
    "payment_invite",
    "buttons_reply",
    "list_reply",
    "template_reply",
    "interactive_reply",
    "poll",
    "group_invite",
    "event",
    "location",
    "contact",
    "spoiler",
    "comment",
    "view_once",
    "sticker_pack",
    "unborn",
    "unborn_envelope",
    "empty",
]
_FILES = ("voice", "voice", "image", "document")
_PAUSE_SECONDS = 14.0  # between two bursts of one customer, on average
_TROUBLE_EVERY_SECONDS = 4.0

FAULTS = {
    "cut": "the link is cut",
    "cut-at-send": "the link is cut at the moment of a send",
    "cuts-at-send": "the link is cut at two sends in a row",
    "refuse": "the service refuses connections for a while",
    "refused-dials": "the service accepts the next connections and closes them at once",
    "hung-dial": "the next dial gets no answer",
    "failed-login": "the service refuses a login for the moment",
    "silence": "the link falls silent for a while",
    "latency": "everything arrives late for a while",
    "stream-error": "the service ends the stream",
    "late-ack": "acknowledgements come late",
    "no-ack": "acknowledgements never come",
    "nack": "the service refuses a message for good",
    "busy": "the service refuses some messages for the moment",
    "throttled": "the service answers no question about numbers or keys for a while",
    "spoilt": "a message cannot be decrypted: at first, or ever",
    "withheld": "a message that WhatsApp keeps from linked devices",
    "odd-id": "a message whose id reads like a line of the library's log",
    "unreadable": "a customer's phone cannot read a reply",
    "unknown-receipt": "a receipt of an odd kind",
    "ban": "the number is banned for some seconds",
    "replaced": "another device takes the session, and an operator starts the bot again",
    "model": "the model misbehaves for a while",
    "transcriber": "the transcriber misbehaves for a while",
    "media-host": "the media hosts misbehave for a while",
    "lost-file": "a file is gone from the media hosts before anybody fetched it",
    "database-lock": "another program has the database locked for a while",
    "database-restart": "the database server is restarted, or crashes",
    "database-kill": "the database server crashes, and the bot is killed while it is away",
    "table-dropped": "another program drops a table of the bot's",
    "disk-full": "the disk with the bot's state is full for a while",
    "clock-step": "the machine's clock is set an hour back or two hours ahead, and right again",
    "stop": "SIGTERM, and a new start",
    "kill": "kill -9, and a new start",
    "locked-kill": "kill -9 while the database is locked, so that messages have come and are not stored",
    "fetch-kill": "kill -9 while a file is fetched",
    "heard-kill": "kill -9 about when a voice note has become text",
    "upload-kill": "kill -9 about when a file was uploaded, and is not sent yet",
    "freeze": "SIGSTOP, and SIGCONT after some seconds",
}
"""The kinds of faults, and what they are."""

NEEDS_SERVER = frozenset(("database-restart", "database-kill"))
"""Those that need a database with a server."""

NEEDS_ROOT = frozenset(("disk-full",))
"""Those that need a disk of the trial's own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a trial is to be: the same terms let the same things happen at the same times."""

    seed: int
    seconds: float
    faults: tuple[str, ...]
    customers: int


@dataclass(frozen=True, slots=True)
class PlannedDeed:
    """A customer does something.

    `what` is "text", "voice", "document" (which say the `text`), "image" (with it as caption), "kind" (of
    message; `text` names it), "reaction", "repeat" or "resend"; of troubles also "spoilt", "spoilt once",
    "withheld", "odd id" or "lost file" (a voice note that nobody can fetch).
    """

    at_seconds: float
    customer: int
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something goes wrong, for some `seconds` where it lasts; `choice` decides between its forms."""

    at_seconds: float
    fault: str
    seconds: float
    choice: int


def plan_deeds(seed: int, seconds: float, customers: int) -> list[PlannedDeed]:
    """What the customers do, in order of time: bursts, pauses, long texts, emoji, two languages."""
    deeds = [
        deed
        for customer in range(1, customers + 1)
        for deed in _life(random.Random(f"{seed} customer {customer}"), customer, seconds)
    ]
    return sorted(deeds, key=lambda deed: deed.at_seconds)


def plan_troubles(seed: int, seconds: float, faults: Sequence[str]) -> list[Trouble]:
    """What goes wrong, in order of time; every kind comes at its turn before one comes again."""
    numbers = random.Random(f"{seed} troubles")
    troubles: list[Trouble] = []
    turn: list[str] = []
    at = numbers.expovariate(1 / _TROUBLE_EVERY_SECONDS)
    while faults and at < seconds:
        turn = turn or numbers.sample(list(faults), len(faults))
        troubles.append(Trouble(at, turn.pop(), numbers.uniform(0.5, 4.0), numbers.randrange(1000)))
        at += numbers.expovariate(1 / _TROUBLE_EVERY_SECONDS)
    return troubles


def _life(numbers: random.Random, customer: int, seconds: float) -> Iterator[PlannedDeed]:
    at = numbers.uniform(0, min(_PAUSE_SECONDS, seconds / 2))
    count = 0
    while at < seconds:
        for _ in range(numbers.choice((1, 1, 1, 2, 3))):
            count += 1
            yield _deed(numbers, at, customer, f"R{customer}-{count}")
            at += numbers.uniform(0.1, 2.0)
        at += numbers.expovariate(1 / _PAUSE_SECONDS)


def _deed(numbers: random.Random, at: float, customer: int, reference: str) -> PlannedDeed:
    kind = numbers.random()
    if kind < 0.03:
        return PlannedDeed(at, customer, "image", "")
    if kind < 0.05:
        return PlannedDeed(at, customer, "reaction", "👍")
    if kind < 0.08:
        return PlannedDeed(at, customer, numbers.choice(("repeat", "resend")), "")
    if kind < 0.12:
        return PlannedDeed(at, customer, "kind", numbers.choice(_KINDS))
    text = numbers.choice(_SENTENCES).format(reference=reference)
    if kind < 0.18:
        return PlannedDeed(at, customer, numbers.choice(_FILES), text)
    if kind > 0.95:
        text = _LONG * numbers.randint(2, 12) + text
    return PlannedDeed(at, customer, "text", text)
