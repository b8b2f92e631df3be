"""Places in messages, as neonize's protobuf classes see them, and read back."""

from __future__ import annotations

from tests.support.neonize_protobuf import decode_all
from wabot.emulator.signal import plaintexts
from wabot.emulator.signal.file_messages import enveloped
from wabot.emulator.signal.places import Place, live_location, location
from wabot.emulator.wire import protobuf


def test_places() -> None:
    place = Place(39.47, -0.37, "Shop", "Main street 1")
    pin, moving = location(place), live_location(place, 3)
    pin_said, moving_said = decode_all(("Message", pin), ("Message", moving))
    assert pin_said["locationMessage"] == {
        "degreesLatitude": 39.47,
        "degreesLongitude": -0.37,
        "name": "Shop",
        "address": "Main street 1",
    }
    assert moving_said["liveLocationMessage"]["sequenceNumber"] == "3"
    assert plaintexts.read(pin).place == place and plaintexts.read(pin).kind == "location"
    assert plaintexts.read(moving).place == Place(39.47, -0.37, "Shop")
    assert plaintexts.read(enveloped("ephemeral", pin)).text == "Shop"
    assert str(place) == "[location 39.47,-0.37] Shop"


def test_what_says_nothing_is_no_place() -> None:
    for number in (5, 18):
        assert plaintexts.read(protobuf.encode([(number, b"")])).place is None
