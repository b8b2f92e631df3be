"""What messages say of files, as neonize's protobuf classes see it, and read back."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest

from tests.support.neonize_protobuf import decode, decode_all
from wabot.emulator.people.attachments import fetch, put_up, sample
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.file_messages import (
    ENVELOPES,
    FILE_KINDS,
    attachment_in,
    file_message,
    lost,
)
from wabot.emulator.signal.media_keys import MediaError
from wabot.emulator.wire import protobuf
from wabot.emulator.world.media import Media

BODY = "¿Tenéis ladrillos? 🧱"
SECRET = bytes(range(32))
FIELDS = {
    "image": "imageMessage",
    "gif": "videoMessage",
    "video": "videoMessage",
    "video_note": "ptvMessage",
    "voice": "audioMessage",
    "audio": "audioMessage",
    "sticker": "stickerMessage",
    "document": "documentMessage",
}


def test_every_kind_stands_where_phones_put_it() -> None:
    media = Media()
    attachments = {kind: put_up(media, kind, sample(kind)) for kind in FILE_KINDS}
    messages = decode_all(*(("Message", file_message(attachments[kind])) for kind in FILE_KINDS))
    by_kind = dict(zip(FILE_KINDS, messages, strict=True))
    by_kind["lottie"] = by_kind["lottie"]["lottieStickerMessage"]["message"]
    said = {}
    for kind, message in by_kind.items():
        ((name, said[kind]),) = message.items()
        assert name == FIELDS.get(kind, "stickerMessage")
        assert said[kind]["mimetype"] == sample(kind).mimetype
        assert said[kind]["URL"] == attachments[kind].url
        assert re.fullmatch(r"https://mmg\.whatsapp\.net/v/\S+\?\S+", said[kind]["URL"])
        assert re.fullmatch(r"/v/\S+\?\S+", said[kind]["directPath"])
        assert said[kind]["fileLength"] == str(len(sample(kind).content))
        assert int(said[kind]["mediaKeyTimestamp"]) > 1_700_000_000
        for digest in ("fileSHA256", "fileEncSHA256", "mediaKey"):
            assert len(b64decode(said[kind][digest])) == 32
    assert said["voice"]["PTT"] is True and "PTT" not in said["audio"]
    assert said["voice"]["seconds"] == 7
    assert len(b64decode(said["voice"]["waveform"])) == 64
    assert said["gif"]["gifPlayback"] is True and "gifPlayback" not in said["video"]
    assert said["lottie"]["isLottie"] is True and "isLottie" not in said["sticker"]
    assert said["document"]["fileName"] == "document.pdf" and said["document"]["title"] == "document"
    assert (said["image"]["width"], said["image"]["height"]) == (1, 1)
    assert (said["video"]["width"], said["video"]["height"]) == (640, 480)
    assert b64decode(said["image"]["JPEGThumbnail"]).startswith(b"\xff\xd8")


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_what_was_sent_is_read_fetched_and_opened(kind: str) -> None:
    media = Media()
    caption = BODY if kind in ("image", "gif", "video", "video_note", "document") else ""
    attachment = put_up(media, kind, sample(kind), caption)
    message = plaintexts.with_secret(file_message(attachment), SECRET)
    read = plaintexts.read(message)
    assert (read.kind, read.text, read.file, read.message_secret) == (kind, caption, attachment, SECRET)
    assert read.file is not None
    assert fetch(media, read.file).open() == sample(kind).content
    media.forget(attachment.direct_path)
    with pytest.raises(MediaError, match="no file where the message says"):
        fetch(media, read.file).open()


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_every_envelope_is_opened(envelope: str) -> None:
    message = file_message(lost("image", BODY), envelope=envelope)
    assert plaintexts.read(message).text == BODY
    (name,) = decode("Message", message)
    assert name.lower().startswith(envelope.partition("_v")[0].replace("_", ""))


@pytest.mark.parametrize("kind", ["voice", "audio", "sticker"])
def test_a_caption_where_there_is_none_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="no caption"):
        file_message(lost(kind, BODY))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'hologram' is no kind of file: one of image"):
        sample("hologram")


def test_a_message_may_lie_and_leave_out() -> None:
    lies: dict[str, int | bytes | str | None] = {"length": 10**13, "media_key": None, "sha256": b"short"}
    told = decode("Message", file_message(lost("image"), lies=lies))["imageMessage"]
    assert told["fileLength"] == str(10**13)
    assert "mediaKey" not in told and b64decode(told["fileSHA256"]) == b"short"


def test_a_file_may_answer_and_be_passed_on() -> None:
    quote = plaintexts.Quote("3EB0AA", "15550100@lid", "Hola")
    context = plaintexts.context_info(quote=quote, is_forwarded=True)
    message = file_message(lost("image"), context=context)
    assert decode("Message", message)["imageMessage"]["contextInfo"] == {
        "stanzaID": "3EB0AA",
        "participant": "15550100@lid",
        "quotedMessage": {"conversation": "Hola"},
        "forwardingScore": 1,
        "isForwarded": True,
    }
    assert plaintexts.read(message).target_id == "3EB0AA"


def test_a_picture_of_an_album_and_an_edited_caption() -> None:
    picture = file_message(lost("image"))
    child = plaintexts.with_secret(picture + plaintexts.album_child("1@lid", "3EB0AA"), SECRET)
    edit = plaintexts.edit_message("1@lid", "3EB0AA", picture, at=1)
    child_said, edit_said = decode_all(("Message", child), ("Message", edit))
    assert child_said["messageContextInfo"]["messageAssociation"] == {
        "associationType": "MEDIA_ALBUM",
        "parentMessageKey": {"remoteJID": "1@lid", "fromMe": True, "ID": "3EB0AA"},
    }
    assert b64decode(child_said["messageContextInfo"]["messageSecret"]) == SECRET
    protocol = edit_said["editedMessage"]["message"]["protocolMessage"]
    assert protocol["type"] == "MESSAGE_EDIT" and "imageMessage" in protocol["editedMessage"]


def test_what_is_empty_is_a_file_of_which_nothing_is_said() -> None:
    assert attachment_in({}) is None
    for number in (3, 8, 26):
        attachment = plaintexts.read(protobuf.encode([(number, b"")])).file
        assert attachment is not None and attachment.direct_path == attachment.caption == ""
