"""One long trial: customers write, everything goes wrong, and then every message is accounted for."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from wabot.emulator.bot_process import BotProcess
from wabot.emulator.people.attachments import File
from wabot.emulator.people.customer import Customer
from wabot.emulator.people.sample_files import JPEG, pdf, silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.errors import ExitCode
from wabot.trials.peers.keeper import Keeper
from wabot.trials.peers.model_server import ModelServer
from wabot.trials.peers.transcriber_behaviours import hear_words
from wabot.trials.soak.account import ODD_ID, REACTION, SEEN_ONCE, SoakAccount, doubts_in, draw_up, open_work
from wabot.trials.soak.database import SoakDatabase
from wabot.trials.soak.disk import SmallDisk
from wabot.trials.soak.faults import Troublemaker
from wabot.trials.soak.model import REFERENCE, answer_references
from wabot.trials.soak.plan import FAULTS, PlannedDeed, Terms, plan_deeds, plan_troubles

USER_ID = "shop"
_TIMEOUT_SECONDS = 30.0
# A provider that failed is left alone for up to some minutes, and a dial that hangs costs two deadlines.
_SETTLE_SECONDS = 300.0
_INTERRUPTED_SECONDS = 15.0
_QUIET_SECONDS = 3.0
_FOR_EVER = 1000
# What comes within 5 seconds of linking cannot be told from the account's history (lost_messages.py), so that
# a kill could lose it; a number that is being linked has no customers yet.
_LINKED_SECONDS = 8.0
_PROGRESS_SECONDS = 5.0
_HEARING_SECONDS = 0.2
# The model is shown it where a picture is wanted; without a model it answers nothing.
_TEXT = "# Terracota\n\nMaceta con plato, de 24 cm; hay foto.\n\n![Maceta de terracota, 24 cm](pot.jpg)\n"
_GONE_PATH = "/v/t62.7117-24/gone_n.enc?ccb=11-4"
_KILLED, _TERMINATED_EARLY = -9, -15
_EXPECTED_CODES = frozenset(
    {ExitCode.OK, ExitCode.LINK_LOST, ExitCode.DATABASE_AWAY, ExitCode.SESSION_ENDED}
    | {_KILLED, _TERMINATED_EARLY}
)
# Nothing is answered but by the model, no limit cuts in, and no pause is longer than the trial has time for.
_CONFIGURATION = """\
[account]
user_id = "{user_id}"
[paths]
state = "{directory}/state"
[database]
url = "{database}"
[connection]
connect_timeout = 15
reconnect_timeout = 15
send_timeout = 8
max_unstable_cycles = 0
keepalive_interval = 5
[ai]
knowledge = "{directory}/knowledge"
disclosure = false
[[ai.providers]]
name = "model"
base_url = "{model}"
model = "echo"
timeout = 3
[[ai.transcribers]]
name = "transcriber"
base_url = "{transcriber}"
model = "words"
timeout = 3
[media]
per_chat_per_day = 0
[replies]
debounce = 0.5
typing = false
per_chat_per_hour = 0
per_minute = 0
[chats]
loop_ceiling = 0
loop_repetitions = 0
"""


class Trial:
    """One trial.

    Args:
        terms: what it is to be.
        directory: for the bot; it must be empty.
        database: the bot's.
        disk: with the bot's state; None where it is this machine's own.
        tell: called with a line whenever something happens, and every few seconds.

    Attributes:
        happened: how often which fault did.
        codes: how often the bot ended in which way.
        interrupted_at: after how many seconds it was cut short; None when it was not.
    """

    def __init__(
        self,
        terms: Terms,
        directory: Path,
        database: SoakDatabase,
        disk: SmallDisk | None,
        tell: Callable[[str], None],
    ) -> None:
        self._terms = terms
        self._deeds = plan_deeds(terms.seed, terms.seconds, terms.customers)
        self._troubles = plan_troubles(terms.seed, terms.seconds, terms.faults)
        self._directory = directory
        self._database = database
        self._disk = disk
        self._sent: dict[Customer, dict[str, str]] = defaultdict(dict)
        self._tell = tell
        self._written = threading.Event()
        self._settled = threading.Event()
        self._customers: list[Customer] = []
        self._began = time.monotonic()
        self.happened: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.interrupted_at: float | None = None

    def run(self) -> SoakAccount:
        """Let it all happen; returns what became of it. KeyboardInterrupt cuts it short."""
        seed = self._terms.seed
        knowledge = self._directory / "knowledge"
        knowledge.mkdir()
        (knowledge / "pots.md").write_text(_TEXT, encoding="utf-8")
        (knowledge / "pot.jpg").write_bytes(JPEG)
        with (
            Emulator(seed) as emulator,
            ModelServer(answer_references(seed)) as model,
            ModelServer(hear_words(_HEARING_SECONDS)) as transcriber,
        ):
            configuration = _CONFIGURATION.format(
                user_id=USER_ID,
                directory=self._directory,
                database=self._database.url,
                model=model.base_url,
                transcriber=transcriber.base_url,
            )
            bot = BotProcess(emulator, self._directory, configuration)
            self._customers = customers = [
                emulator.customer(number) for number in range(1, self._terms.customers + 1)
            ]
            keeper = Keeper(bot)
            try:
                keeper.start()
                emulator.phone.scan(bot.wait_for_code(_TIMEOUT_SECONDS))
                emulator.wait_for_login(1, _TIMEOUT_SECONDS)
                time.sleep(_LINKED_SECONDS)
                troublemaker = Troublemaker(
                    emulator,
                    customers,
                    model,
                    transcriber,
                    self._database,
                    keeper,
                    self._disk,
                    self._act,
                )
                settled = self._live(emulator, customers, troublemaker, keeper)
                ended = keeper.close(_TIMEOUT_SECONDS)
            finally:
                bot.kill()
            doubted = doubts_in(bot.log_file.read_text(encoding="utf-8", errors="replace"))
            account = draw_up(self._database, self._sent, emulator.bot.waiting, doubted)
        self.codes.update(keeper.codes)
        account.faults += self._faults_of_process(keeper, ended)
        if self.interrupted_at is None:
            media = self._directory / "state" / "sessions" / USER_ID / "media"
            account.faults += [f"a file is left: {path.name}" for path in media.glob("*")]
        if self.interrupted_at is None:
            account.faults += account.unfinished
            account.faults += [] if settled else [f"work was left after {_SETTLE_SECONDS:g} s"]
        return account

    def _live(
        self,
        emulator: Emulator,
        customers: list[Customer],
        troublemaker: Troublemaker,
        keeper: Keeper,
    ) -> bool:
        """Customers and troubles side by side; whether nobody has anything to do in the end."""
        self._began = time.monotonic()
        with ThreadPoolExecutor(2, "soak") as pool:
            progress = pool.submit(self._show_progress, emulator, keeper)
            troubles = pool.submit(self._make_trouble, troublemaker)
            try:
                self._write(customers, troubles)
                return self._settle(emulator, keeper)
            except KeyboardInterrupt:
                self.interrupted_at = self.interrupted_at or self._seconds()
                return False
            finally:
                self._written.set()
                self._settled.set()
                progress.result()

    def _write(self, customers: list[Customer], troubles: Future[None]) -> None:
        """Let the customers write, until the end or until somebody has seen enough."""
        try:
            for deed in self._deeds:
                time.sleep(max(0.0, deed.at_seconds - self._seconds()))
                if troubles.done():
                    # Whatever ended them ends everything.
                    troubles.result()
                self._act(deed)
            wait([troubles])
        except KeyboardInterrupt:
            self.interrupted_at = self._seconds()
            self._say("interrupted: the bot may finish what it has; Ctrl-C again ends that, too")
        self._written.set()
        troubles.result()

    def _make_trouble(self, troublemaker: Troublemaker) -> None:
        for trouble in self._troubles:
            if self._written.wait(max(0.0, trouble.at_seconds - self._seconds())):
                return
            self._say(FAULTS[trouble.fault])
            troublemaker.make(trouble)
            self.happened[trouble.fault] += 1

    def _act(self, deed: PlannedDeed) -> None:
        customer = self._customers[deed.customer - 1]
        sent = self._sent[customer]
        match deed.what:
            case "text":
                sent[customer.send(deed.text)] = deed.text
            case "image":
                sent[customer.send_media("image", caption=deed.text)] = deed.text or "an image"
            case "voice":
                sent[customer.send_media("voice", _note(deed.text))] = deed.text
            case "lost file":
                lies = {"direct_path": _GONE_PATH, "url": f"https://mmg.whatsapp.net{_GONE_PATH}"}
                sent[customer.send_media("voice", _note(deed.text), lies=lies)] = deed.text
            case "document":
                words = pdf(REFERENCE.findall(deed.text)[0])
                sent[customer.send_media("document", File(words, "application/pdf", "order.pdf"))] = deed.text
            case "kind":
                sent[customer.send_kind(deed.text, f"about {deed.text}")] = f"a message: {deed.text}"
            case "spoilt" | "spoilt once":
                sent[customer.send(deed.text, spoil=1 if deed.what == "spoilt once" else _FOR_EVER)] = (
                    deed.text
                )
            case "withheld":
                sent[customer.withhold(deed.text)] = SEEN_ONCE
            case "odd id":
                odd_id = f"{len(sent)} from {customer.phone}@s.whatsapp.net: old counter"
                sent[customer.send(deed.text, message_id=odd_id)] = f"{ODD_ID}: {deed.text}"
            case "reaction" if customer.replies:
                sent[customer.react(customer.replies[-1].message_id, deed.text)] = REACTION
            case "repeat" if sent:
                customer.repeat(list(sent)[-1])
            case "resend" if sent:
                customer.resend(list(sent)[-1])

    def _settle(self, emulator: Emulator, keeper: Keeper) -> bool:
        """Wait until nobody has anything to do; whether it came to that."""
        emulator.faults.clear()
        emulator.accept_connections()
        limit_seconds = _SETTLE_SECONDS if self.interrupted_at is None else _INTERRUPTED_SECONDS
        deadline = time.monotonic() + limit_seconds
        quiet_since: float | None = None
        while time.monotonic() < deadline and not keeper.gave_up:
            if emulator.bot.connected and not emulator.bot.waiting and not open_work(self._database):
                quiet_since = quiet_since or time.monotonic()
                if time.monotonic() - quiet_since > _QUIET_SECONDS:
                    return True
            else:
                quiet_since = None
            time.sleep(0.2)
        return False

    def _faults_of_process(self, keeper: Keeper, ended: bool) -> list[str]:
        replaced = self.happened["replaced"]
        found = [
            f"the bot ended with exit code {code}" for code in keeper.codes if code not in _EXPECTED_CODES
        ]
        if keeper.codes.count(ExitCode.SESSION_ENDED) > replaced:
            found.append("the bot took its session for ended more often than it was")
        if not ended:
            found.append(f"the bot did not stop within {_TIMEOUT_SECONDS:g} s")
        if keeper.gave_up:
            found.append("the bot ended for good")
        return found

    def _show_progress(self, emulator: Emulator, keeper: Keeper) -> None:
        while not self._settled.wait(_PROGRESS_SECONDS):
            sent = sum(len(messages) for messages in list(self._sent.values()))
            read = sum(len(customer.replies) for customer in list(self._sent))
            state = "connected" if emulator.bot.connected else "away"
            doing = "" if not self._written.is_set() else "; the bot finishes what is left"
            self._say(
                f"{sent} messages, {read} replies, {len(emulator.bot.waiting)} messages on their way; "
                f"the bot is {state}, ended {len(keeper.codes)} times{doing}"
            )

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _say(self, text: str) -> None:
        minutes, seconds = divmod(self._seconds(), 60)
        self._tell(f"{minutes:3.0f}:{seconds:04.1f}  {text}")


def _note(words: str) -> File:
    return File(silent_voice(words=words), "audio/ogg; codecs=opus")
