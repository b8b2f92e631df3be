"""How the files of replies get to a media host: without holding up others, never twice, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.office import QUIET_SECONDS, Office, not_sent, states, wait_until
from wabot.clock import utc_now
from wabot.conversation.outbox import Outbox
from wabot.database.models import Chat, Outbound, OwnerLine, Session
from wabot.emulator.people.sample_files import JPEG, MP4, PDF, silent_voice
from wabot.outbound import upload
from wabot.whatsapp.outgoing import UploadFailed
from wabot.whatsapp.uploads import Place, UploadedFile

POT, PRICES = ("image", "photos/pot.jpg"), ("document", "prices.pdf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name, content in {
        "photos/pot.jpg": JPEG,
        "film.mp4": MP4,
        "prices.pdf": PDF,
        "hello.ogg": silent_voice(7),
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def office(make_office: Callable[..., Office], folder: Path) -> Office:
    found = make_office(folder=folder)
    found.sender.start()
    found.sender.link_up()
    Session.insert(user_id="shop", phone="34699999999", updated_at=utc_now()).execute()
    return found


def row_of(path: str) -> Outbound:
    return Outbound.get(Outbound.file == path)


def told_to_owner() -> list[str]:
    return [line.text for line in OwnerLine.select()]


@pytest.mark.parametrize(
    ("kind", "path", "mimetype", "more"),
    [
        ("image", "photos/pot.jpg", "image/jpeg", {"width": 1, "height": 1}),
        ("video", "film.mp4", "video/mp4", {}),
        ("document", "prices.pdf", "application/pdf", {"file_name": "prices.pdf"}),
        ("voice", "hello.ogg", "audio/ogg; codecs=opus", {"seconds": 7}),
    ],
)
def test_a_file_is_uploaded_stored_and_sent(
    office: Office, folder: Path, kind: str, path: str, mimetype: str, more: dict[str, object]
) -> None:
    office.put("Here it is", file=(kind, path))
    wait_until(lambda: states() == {"Here it is": "sent", path: "sent"})
    sent = office.phone.sent[-1]
    assert office.phone.tried == ["Here it is", path], "in their order"
    assert office.phone.uploaded == [(folder / path).read_bytes()]
    assert isinstance(sent.what, UploadedFile) and (sent.kind, sent.what.mimetype) == (kind, mimetype)
    assert {name: getattr(sent.what, name) for name in more} == more
    assert bool(sent.what.thumbnail) == (kind == "image") and bool(sent.what.waveform) == (kind == "voice")
    assert row_of(path).upload == sent.what.to_json()


def test_a_place_needs_no_upload(office: Office) -> None:
    chat_id = office.put("hello")
    place = Place(39.47, -0.37)
    Outbox("shop", office.queue.wakeup).notify(
        chat_id,
        "Here we are",
        "model:x",
        utc_now(),
        kind="location",
        upload=place.to_json(),  # type: ignore[arg-type]
    )
    wait_until(lambda: states() == {"hello": "sent", "Here we are": "sent"})
    assert office.phone.sent[-1].what == place and office.phone.uploaded == []


def test_other_chats_do_not_wait_for_an_upload_and_the_same_chat_keeps_its_order(office: Office) -> None:
    office.phone.may_upload.clear()
    office.put("before", file=POT)
    wait_until(lambda: office.phone.uploaded)
    office.put("later in the same chat")
    office.put("elsewhere", customer=2)
    office.put("a file elsewhere", customer=3, file=("document", "prices.pdf"))
    wait_until(lambda: office.phone.texts == ["before", "elsewhere", "a file elsewhere"])
    office.phone.may_upload.set()
    wait_until(lambda: set(states().values()) == {"sent"})
    tried = office.phone.tried
    assert tried.index("photos/pot.jpg") < tried.index("later in the same chat")


def test_what_was_uploaded_is_not_uploaded_again(office: Office) -> None:
    office.phone.failures = [not_sent()]
    office.put(file=POT)
    wait_until(lambda: states() == {"photos/pot.jpg": "sent"})
    office.put(customer=2, file=POT)
    wait_until(lambda: len(office.phone.taken) == 2)
    assert len(office.phone.uploaded) == 1 and len(office.phone.tried) == 3


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_failing_uploads_are_tried_again_and_then_given_up(office: Office, failures: int) -> None:
    office.phone.upload_failures = [UploadFailed("upload failed with status code 503")] * failures
    office.put(file=POT)
    office.put("the next answer")
    wait_until(lambda: set(states().values()) <= {"sent", "dead"})
    is_dead = failures == upload.MOST_ATTEMPTS
    assert states() == {"photos/pot.jpg": "dead" if is_dead else "sent", "the next answer": "sent"} | (
        {"": "sent"} if is_dead else {}
    )
    assert len(told_to_owner()) == is_dead
    assert ("503" in row_of(POT[1]).error) == is_dead


def test_want_of_a_link_is_no_failure_of_the_file(office: Office) -> None:
    office.phone.upload_failures = [UploadFailed("websocket not connected")] * 5
    office.put(file=POT)
    wait_until(lambda: states() == {"photos/pot.jpg": "sent"})


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("photos/gone.jpg", "no such file"),
        ("prices.pdf", "no image any more"),
        ("../secret.jpg", "does not lie in the folder"),
        ("/etc/passwd", "does not lie in the folder"),
    ],
)
def test_what_cannot_be_sent_is_given_up_at_once_and_told(office: Office, path: str, why: str) -> None:
    office.put(file=("image", path))
    wait_until(lambda: states().get(path) == "dead")
    assert office.phone.uploaded == [] and why in row_of(path).error
    wait_until(told_to_owner)
    assert "archivo" in told_to_owner()[0]


def test_uploads_that_never_come_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "UPLOAD_SECONDS", 0.1)
    office.phone.may_upload.clear()
    office.put(file=PRICES)
    wait_until(lambda: office.sender.stuck_uploads == 1)
    assert states()[PRICES[1]] == "pending" and row_of(PRICES[1]).refusals == 1
    wait_until(lambda: office.sender.stuck_uploads == 2)
    office.phone.may_upload.set()
    wait_until(lambda: office.sender.stuck_uploads == 0 and states() == {PRICES[1]: "sent"})


def test_a_file_whose_upload_ended_the_process_each_time_is_not_tried_for_ever(
    make_office: Callable[..., Office], folder: Path
) -> None:
    office = make_office(folder=folder)
    office.put(file=POT)
    Outbound.update(refusals=upload.MOST_ATTEMPTS).execute()
    office.sender.start()
    office.sender.link_up()
    wait_until(lambda: states() == {"photos/pot.jpg": "dead"})
    assert office.phone.uploaded == []


def test_a_reply_that_is_withdrawn_while_its_file_is_uploaded_does_not_leave(office: Office) -> None:
    office.phone.may_upload.clear()
    chat_id = office.put(file=POT)
    wait_until(lambda: office.phone.uploaded)
    assert office.outbox.withdraw(chat_id, "the owner wrote") == 1
    office.phone.may_upload.set()
    wait_until(lambda: not office.uploads.is_busy)
    time.sleep(QUIET_SECONDS)
    assert states() == {"photos/pot.jpg": "withdrawn"} and office.phone.tried == []
    assert Chat.get_by_id(chat_id).pause_reason == ""


def test_a_refused_login_is_told_once(office: Office) -> None:
    office.phone.upload_failures = [UploadFailed("upload failed with status code 401")]
    office.put(file=POT)
    wait_until(lambda: states() == {"photos/pot.jpg": "sent"})
    assert [office.sender.media_login_refused() for _ in range(2)] == [True, False]


def test_a_stop_in_the_middle_of_an_upload_is_no_attempt(office: Office) -> None:
    office.phone.may_upload.clear()
    office.put(file=POT)
    wait_until(lambda: office.phone.uploaded)
    assert row_of(POT[1]).refusals == 1
    assert office.sender.stop(1)
    row = row_of(POT[1])
    assert (row.refusals, row.state) == (0, "pending") and row.not_before <= utc_now()
    office.phone.may_upload.set()
