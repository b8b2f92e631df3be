"""Received files become text, whatever hosts and transcribers do: settled once, with nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import arrival
from tests.support.provider_server import ProviderServer
from wabot.brain.providers.budget import NoBudget
from wabot.brain.providers.counts import CallCounts
from wabot.brain.settings import TranscriberSettings
from wabot.clock import utc_now
from wabot.config.settings import AccountSettings, AiSettings, MediaSettings, PathSettings, Settings
from wabot.conversation.files.incoming_files import IncomingFiles
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.schedule import ChatSchedule
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile
from wabot.emulator.people.sample_files import silent_voice
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.media_keys import MediaType, seal
from wabot.inbound.reception import Reception, reception_of
from wabot.media import directory, voice, worker
from wabot.media.worker import MediaWorker
from wabot.media.workers import make_media_workers, readers_of
from wabot.system.threads import Pulse
from wabot.trials.peers import model_behaviours as behaviours
from wabot.trials.peers.transcriber_behaviours import REFUSALS, hear, hear_words, refuse_ogg
from wabot.whatsapp.messages import Attachment, MessageKind


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    for name, value in running.environment({}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(directory, "LEAST_FREE_BYTES", 0)
    yield running
    running.faults.clear()


@pytest.fixture
def ears() -> Iterator[ProviderServer]:
    with ProviderServer(hear_words()) as server:
        yield server


class Desk:
    """A way in whose voice notes are listened to, without threads."""

    def __init__(self, emulator: Emulator, ears: ProviderServer, home: Path, **media: Any) -> None:
        self.emulator = emulator
        transcribers = (TranscriberSettings("ears", ears.base_url, "m", timeout_seconds=1),)
        self.settings = Settings(
            account=AccountSettings(user_id="shop"),
            paths=PathSettings(state=home),
            ai=AiSettings(transcribers=transcribers, knowledge=home / "none"),
            media=MediaSettings(**media),
        )
        self.folder = self.settings.media_directory
        self.files = ReceivedFiles("shop")
        incoming = IncomingFiles(self.files, self.settings.media, hears=True)
        self.inbox = Inbox("shop")
        self.reception: Reception = reception_of(
            self.settings, self.inbox, Outbox("shop", threading.Event()), files=incoming
        )
        self.schedule = ChatSchedule(0.0)
        self.counts = CallCounts()
        self.pulse = Pulse()
        self.worker = self.new_worker()

    def new_worker(self, **settings: Any) -> MediaWorker:
        changed = replace(self.settings, **settings)
        readers = readers_of(changed, NoBudget(), self.counts)
        made = make_media_workers(changed, self.files, self.reception, self.schedule, readers, [self.pulse])
        return made[0]

    def say(self, words: str, seconds: int = 5, content: bytes | None = None, **changes: Any) -> int:
        """A customer speaks; the number of the message's row."""
        note = silent_voice(seconds, words) if content is None else content
        blob, sealed = seal(note, MediaType.AUDIO)
        address = self.emulator.media.publish(blob)
        said = Attachment(
            "audio/ogg; codecs=opus",
            size_bytes=len(note),
            seconds=seconds,
            is_voice=True,
            address=address.url,
            path=address.direct_path,
            key=sealed.media_key.hex(),
            file_sha256=sealed.sha256.hex(),
            encrypted_sha256=sealed.enc_sha256.hex(),
        )
        said = replace(said, **changes)
        now = utc_now()
        message = arrival("", kind=MessageKind.AUDIO, attachment=said, sent_at=now)
        assert self.reception.receive(message, now)
        return int(Inbound.get(Inbound.message_id == message.message_id).id)

    def work(self) -> None:
        """Read all that is due."""
        while self.worker.work() == 0.0:
            continue

    def left(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()] if self.folder.exists() else []


@pytest.fixture
def desk(emulator: Emulator, ears: ProviderServer, sqlite_database: Any, tmp_path: Path) -> Desk:
    return Desk(emulator, ears, tmp_path)


@pytest.fixture
def desk_on_either(emulator: Emulator, ears: ProviderServer, database: Any, tmp_path: Path) -> Desk:
    return Desk(emulator, ears, tmp_path)


def file_of(message: int) -> ReceivedFile:
    return ReceivedFile.get(ReceivedFile.message == message)


def test_what_was_spoken_is_what_the_customer_said(desk_on_either: Desk, ears: ProviderServer) -> None:
    message = desk_on_either.say("¿Cuánto cuesta la maceta?")
    desk_on_either.work()
    row = file_of(message)
    assert (row.state, row.text, row.author, row.source) == (
        "understood",
        "¿Cuánto cuesta la maceta?",
        "ears",
        "",
    )
    said = Inbound.get_by_id(message)
    assert (said.text, said.state, said.kind) == ("¿Cuánto cuesta la maceta?", "pending", "audio")
    assert desk_on_either.left() == [] and desk_on_either.schedule.take() == said.chat_id
    assert ears.requests[0].body["language"] == "es"
    assert round(desk_on_either.counts.providers()["ears"].heard_seconds) == 5


def test_a_spoken_opt_out_ends_all_writing(desk_on_either: Desk) -> None:
    earlier, message = desk_on_either.say("hola"), desk_on_either.say("Baja.")
    desk_on_either.work()
    chat = Chat.get()
    assert chat.opted_out_at is not None
    assert [row.source for row in Outbound.select()] == ["opted-out"]
    assert {Inbound.get_by_id(each).state for each in (earlier, message)} == {"ignored"}


def test_nothing_heard_is_an_answer(desk: Desk, ears: ProviderServer) -> None:
    ears.default = hear(" ")
    messages = [desk.say("mumbled"), desk.say("", content=b"OggS")]
    desk.work()
    assert [(file_of(each).state, file_of(each).text) for each in messages] == [("understood", "")] * 2
    # What is too short to hold a sound is not sent to anybody.
    assert len(ears.requests) == 1
    assert [Inbound.get_by_id(each).state for each in messages] == ["pending"] * 2


FOR_GOOD: dict[str, tuple[dict[str, Any], str, str]] = {
    "longer than said": ({"seconds": 12, "content": silent_voice(700)}, "failed", "it plays 700 s"),
    "no sound": ({"content": b"words" * 100}, "failed", "no kind of sound"),
    "larger than said": ({"content": bytes(20_000), "size_bytes": 1}, "kept out", "larger than"),
    "no key": ({"key": ""}, "failed", "damaged: its message lacks a key"),
}


@pytest.mark.parametrize("case", FOR_GOOD)
def test_what_can_never_be_understood_is_given_up_at_once(
    emulator: Emulator, ears: ProviderServer, sqlite_database: Any, tmp_path: Path, case: str
) -> None:
    desk = Desk(emulator, ears, tmp_path, voice_max_bytes=15_000 if case == "larger than said" else 10**6)
    said, state, reason = FOR_GOOD[case]
    message = desk.say("hola", **said)
    desk.work()
    row = file_of(message)
    assert (row.state, row.source) == (state, "") and reason in row.reason
    assert desk.left() == [] and desk.schedule.take() and not ears.requests


def test_what_is_gone_is_given_up_and_says_so(desk: Desk) -> None:
    message = desk.say("hola")
    desk.emulator.faults.media.spoil_download("status", status=410)
    desk.work()
    assert (file_of(message).state, file_of(message).reason) == ("failed", "WhatsApp keeps it no more")


def test_a_failing_host_is_tried_again_and_again_then_given_up(desk: Desk, ears: ProviderServer) -> None:
    message = desk.say("hola")
    desk.emulator.faults.media.spoil_download("status", status=503)
    waits = []
    for _ in range(len(worker.RETRIES_AFTER_SECONDS)):
        desk.work()
        row = file_of(message)
        assert row.state == "pending" and "answered 503" in row.reason
        waits.append((row.not_before - utc_now()).total_seconds())
        seconds = desk.worker.work()
        assert seconds is not None and seconds == pytest.approx(waits[-1], abs=1.5)
        ReceivedFile.update(not_before=utc_now()).execute()
    assert waits == pytest.approx(worker.RETRIES_AFTER_SECONDS, abs=1.5)
    desk.work()
    assert file_of(message).state == "failed" and desk.worker.work() is None
    assert desk.left() == [] and not ears.requests


def test_a_failing_transcriber_costs_no_second_download(desk: Desk, ears: ProviderServer) -> None:
    message = desk.say("hola")
    ears.script(behaviours.status(500), hear_words())
    desk.work()
    assert file_of(message).state == "pending" and desk.left() == [str(file_of(message).id)]
    count = len(desk.emulator.media.requests)
    # The next process takes over what this one left, but for what is not whole.
    (desk.folder / "99").write_bytes(b"of nobody")
    (desk.folder / f"{file_of(message).id}.part").write_bytes(b"half")
    desk.worker = desk.new_worker()
    assert desk.left() == [str(file_of(message).id)]
    ReceivedFile.update(not_before=utc_now()).execute()
    desk.work()
    assert (file_of(message).state, file_of(message).text) == ("understood", "hola")
    assert desk.left() == [] and len(desk.emulator.media.requests) == count


def test_a_transcriber_that_takes_no_voice_notes_is_not_asked_twice_for_one(
    desk: Desk, ears: ProviderServer
) -> None:
    ears.default = refuse_ogg(hear(""), *REFUSALS["whisper.cpp"])
    message = desk.say("hola")
    desk.work()
    assert file_of(message).state == "failed" and "Ogg/Opus" in file_of(message).reason
    assert len(ears.requests) == 1 and desk.left() == []


def test_a_file_that_nobody_foresaw_keeps_no_other_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, other = desk.say("odd"), desk.say("hola")
    read = voice.read_sound

    def break_once(path: Path, said_seconds: float) -> Any:
        monkeypatch.setattr(voice, "read_sound", read)
        raise RecursionError("nobody foresaw this")

    monkeypatch.setattr(voice, "read_sound", break_once)
    desk.work()
    assert [file_of(each).state for each in (odd, other)] == ["pending", "understood"]
    assert file_of(odd).reason == "not understood: RecursionError"
    ReceivedFile.update(not_before=utc_now()).where(ReceivedFile.message == odd).execute()
    desk.work()
    assert file_of(odd).text == "odd"


def test_a_file_that_ends_the_process_each_time_is_given_up(desk: Desk, ears: ProviderServer) -> None:
    message = desk.say("hola")
    ReceivedFile.update(attempts=worker.MOST_ATTEMPTS).execute()
    desk.work()
    assert file_of(message).state == "failed" and not ears.requests


def test_what_was_taken_back_or_erased_while_it_was_listened_to_is_dropped(
    desk_on_either: Desk, ears: ProviderServer
) -> None:
    message = desk_on_either.say("hola")

    def take_back(handler: Any, body: dict[str, Any]) -> None:
        row = Inbound.get_by_id(message)
        change = arrival(kind=MessageKind.REVOKE, target_id=row.message_id, sent_at=utc_now())
        desk_on_either.reception.receive(change, utc_now())
        hear("secret")(handler, body)

    ears.script(take_back)
    desk_on_either.work()
    assert (file_of(message).state, file_of(message).text) == ("kept out", "")
    assert Inbound.get_by_id(message).text == "" and desk_on_either.left() == []

    def erase(handler: Any, body: dict[str, Any]) -> None:
        Chat.delete().execute()
        hear("secret")(handler, body)

    desk_on_either.say("adiós")
    ears.script(erase)
    desk_on_either.work()
    assert ReceivedFile.select().count() == 0 and desk_on_either.left() == []


def test_a_disk_without_room_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    message = desk.say("hola")
    monkeypatch.setattr(directory, "MOST_BYTES", 10)
    desk.worker = desk.new_worker()
    desk.work()
    assert file_of(message).state == "pending" and "as much as it may" in file_of(message).reason
    assert desk.pulse.silence(time.monotonic()) == (0, 0)


def test_a_kind_that_nobody_reads_any_more_is_left(desk: Desk) -> None:
    message = desk.say("hola")
    desk.worker = desk.new_worker(ai=replace(desk.settings.ai, transcribers=()))
    desk.work()
    assert file_of(message).state == "kept out" and desk.schedule.take()


def test_what_is_kept_until_its_answer_goes_when_there_is_none_to_come(
    database: Any, emulator: Emulator, ears: ProviderServer, tmp_path: Path
) -> None:
    desk = Desk(emulator, ears, tmp_path)
    rows = [desk.say("hola") for _ in range(3)]
    ReceivedFile.update(state="fetched").execute()
    files = {row.message_id: desk.folder / str(row.id) for row in ReceivedFile.select()}
    desk.folder.mkdir(parents=True)
    for path in (*files.values(), desk.folder / "77.part"):
        path.write_bytes(b"seen")
    Inbound.update(state="ignored").where(Inbound.id == rows[0]).execute()
    assert desk.worker.work() == worker._LOOK_AGAIN_SECONDS
    desk.inbox.amend(arrival("", kind=MessageKind.REVOKE, target_id=id_of(rows[1])), Chat.get().id)
    assert desk.worker.work() == worker._LOOK_AGAIN_SECONDS
    assert {path.name for path in desk.folder.iterdir()} == {files[rows[2]].name, "77.part"}
    Inbound.update(state="answered").execute()
    assert desk.worker.work() is None
    assert [path.name for path in desk.folder.iterdir()] == ["77.part"]


def id_of(row: int) -> str:
    return str(Inbound.get_by_id(row).message_id)
