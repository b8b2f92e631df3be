"""What the metrics tell, each with its name by Prometheus' conventions. No label holds customers' data."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wabot import __version__
from wabot.brain.providers.counts import ProviderCount
from wabot.database.states import FileState
from wabot.link.states import State


class MetricKind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric; `labels` are those beside `account`, which all have."""

    name: str
    kind: MetricKind
    meaning: str
    labels: tuple[str, ...] = ()


BUILD = Definition(
    "wabot_build_info", MetricKind.GAUGE, "Always 1: which program this is.", ("version", "neonize")
)
STARTED = Definition("wabot_start_time_seconds", MetricKind.GAUGE, "When the process started, in Unix time.")
STATE = Definition(
    "wabot_state", MetricKind.GAUGE, "1 for the state of the link, 0 for all others.", ("state",)
)
RECONNECTS = Definition(
    "wabot_reconnects_total", MetricKind.COUNTER, "How often the link came up again after it was down."
)
DATABASE_UP = Definition(
    "wabot_database_up", MetricKind.GAUGE, "1 when the database answered; at 0 what it knows is left out."
)
INBOX = Definition("wabot_inbox_pending", MetricKind.GAUGE, "Messages that wait for an answer.")
UNDECRYPTABLE = Definition(
    "wabot_inbox_undecryptable", MetricKind.GAUGE, "Messages that could not be read and have not come again."
)
OUTBOX = Definition("wabot_outbox_pending", MetricKind.GAUGE, "Replies that wait to be sent.")
DEAD = Definition(
    "wabot_outbox_undelivered", MetricKind.GAUGE, "Replies given up, or that may not have arrived."
)
LATENCY = Definition(
    "wabot_reply_latency_seconds",
    MetricKind.HISTOGRAM,
    "From the arrival of a message to the moment the first part of its answer was sent.",
)
CALLS = Definition("wabot_provider_calls_total", MetricKind.COUNTER, "Calls of a model.", ("provider",))
ERRORS = Definition(
    "wabot_provider_errors_total", MetricKind.COUNTER, "Calls of a model that failed.", ("provider", "kind")
)
TOKENS = Definition(
    "wabot_provider_tokens_total",
    MetricKind.COUNTER,
    "Tokens a model counted, or an estimate; direction is prompt or completion.",
    ("provider", "direction"),
)
HELD_BACK = Definition(
    "wabot_provider_answers_held_back_total",
    MetricKind.COUNTER,
    "Answers of a model that claimed what nothing shown supports; outcome is mended, where a second one did "
    "not, or withheld, where the texts or a person answered.",
    ("provider", "outcome"),
)
LAST_MESSAGE = Definition(
    "wabot_last_message_timestamp_seconds", MetricKind.GAUGE, "When the last message came, in Unix time."
)
LAST_REPLY = Definition(
    "wabot_last_reply_timestamp_seconds", MetricKind.GAUGE, "When the last reply was sent, in Unix time."
)
LAST_ANSWER = Definition(
    "wabot_provider_last_success_timestamp_seconds",
    MetricKind.GAUGE,
    "When a model last answered, in Unix time; not before it has.",
    ("provider",),
)
TRANSCRIPTIONS = Definition(
    "wabot_transcriber_calls_total",
    MetricKind.COUNTER,
    "Voice notes sent to a transcriber.",
    ("transcriber",),
)
TRANSCRIPTION_ERRORS = Definition(
    "wabot_transcriber_errors_total",
    MetricKind.COUNTER,
    "Voice notes that a transcriber did not transcribe.",
    ("transcriber", "kind"),
)
HEARD = Definition(
    "wabot_transcriber_heard_seconds_total",
    MetricKind.COUNTER,
    "Seconds of sound that a transcriber transcribed.",
    ("transcriber",),
)
FILES = Definition(
    "wabot_received_files_total",
    MetricKind.COUNTER,
    "Files that came with messages, by outcome: understood, fetched (for models to see), kept out or failed.",
    ("outcome",),
)
FILES_PENDING = Definition(
    "wabot_received_files_pending",
    MetricKind.GAUGE,
    "Files that came with messages and are still to be read.",
)
INTERNAL_ERRORS = Definition(
    "wabot_internal_errors_total", MetricKind.COUNTER, "Errors nobody expected; the journal has them."
)

DEFINITIONS = (
    *(
        BUILD,
        STARTED,
        STATE,
        RECONNECTS,
        DATABASE_UP,
        INBOX,
        UNDECRYPTABLE,
        OUTBOX,
        DEAD,
        LATENCY,
        LAST_MESSAGE,
        LAST_REPLY,
    ),
    *(CALLS, ERRORS, TOKENS, HELD_BACK, LAST_ANSWER, TRANSCRIPTIONS, TRANSCRIPTION_ERRORS, HEARD),
    *(FILES_PENDING, FILES, INTERNAL_ERRORS),
)
# A human pace takes seconds, a slow model a minute; what waited for the link or a budget takes longer.
LATENCY_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900)

_FAMILIES = {MetricKind.GAUGE: GaugeMetricFamily, MetricKind.COUNTER: CounterMetricFamily}


@dataclass(frozen=True, slots=True)
class Depths:
    """What the database knows; times are naive UTC."""

    inbox: int
    undecryptable: int
    outbox: int
    dead: int
    files: int
    last_message_at: datetime | None
    last_reply_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment; `depths` is None while the database is away."""

    state: State
    reconnects: int
    depths: Depths | None
    providers: Mapping[str, ProviderCount]
    internal_errors: int
    transcribers: Mapping[str, ProviderCount] = field(default_factory=dict)
    files: Mapping[FileState, int] = field(default_factory=dict)


_Samples = Iterable[tuple[tuple[str, ...], float]]


class AccountCollector(Collector):
    """Gives prometheus_client the metrics of one account, but for the histogram, which it keeps itself.

    Args:
        account: its user id.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        self._started_at = time.time()
        self._versions = (__version__, importlib.metadata.version("neonize"))
        self.snapshot: Snapshot | None = None

    def collect(self) -> Iterator[Metric]:
        """Each metric with its samples; those without any are left out."""
        if self.snapshot is None:
            return
        for definition, samples in self._all(self.snapshot):
            family = _FAMILIES[definition.kind](
                definition.name, definition.meaning, labels=("account", *definition.labels)
            )
            for labels, value in samples:
                family.add_metric((self._account, *labels), value)
            if family.samples:
                yield family

    def _all(self, now: Snapshot) -> Iterator[tuple[Definition, _Samples]]:
        yield BUILD, [(self._versions, 1)]
        yield STARTED, [((), self._started_at)]
        yield STATE, [((state.value,), state is now.state) for state in State]
        yield RECONNECTS, [((), now.reconnects)]
        yield DATABASE_UP, [((), now.depths is not None)]
        if now.depths is not None:
            yield INBOX, [((), now.depths.inbox)]
            yield UNDECRYPTABLE, [((), now.depths.undecryptable)]
            yield OUTBOX, [((), now.depths.outbox)]
            yield DEAD, [((), now.depths.dead)]
            yield FILES_PENDING, [((), now.depths.files)]
            yield LAST_MESSAGE, _moment((), now.depths.last_message_at)
            yield LAST_REPLY, _moment((), now.depths.last_reply_at)
        counts = now.providers.items()
        yield CALLS, [((name,), count.calls) for name, count in counts]
        yield (
            ERRORS,
            [((name, kind), number) for name, count in counts for kind, number in count.errors.items()],
        )
        yield (
            TOKENS,
            [
                ((name, direction), number)
                for name, count in counts
                for direction, number in (
                    ("prompt", count.prompt_tokens),
                    ("completion", count.completion_tokens),
                )
            ],
        )
        yield (
            HELD_BACK,
            [((name, each), number) for name, count in counts for each, number in count.held_back.items()],
        )
        yield LAST_ANSWER, [((name,), count.answered_at) for name, count in counts if count.answered_at]
        yield from _of_transcribers(now.transcribers)
        yield FILES, [((state,), number) for state, number in now.files.items()]
        yield INTERNAL_ERRORS, [((), now.internal_errors)]


def _of_transcribers(transcribers: Mapping[str, ProviderCount]) -> Iterator[tuple[Definition, _Samples]]:
    counts = transcribers.items()
    yield TRANSCRIPTIONS, [((name,), count.calls) for name, count in counts]
    yield (
        TRANSCRIPTION_ERRORS,
        [((name, kind), number) for name, count in counts for kind, number in count.errors.items()],
    )
    yield HEARD, [((name,), count.heard_seconds) for name, count in counts]


def _moment(labels: tuple[str, ...], at: datetime | None) -> _Samples:
    return [] if at is None else [(labels, at.replace(tzinfo=UTC).timestamp())]
