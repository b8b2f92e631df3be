"""What goes with an answer: pictures, documents and places of the texts, with a model and without one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.support.provider_server import ProviderServer
from wabot.brain.brain import Answer, Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.output.control_words import TELL_TEAM
from wabot.brain.output.reply_text import read_reply_text
from wabot.brain.settings import BrainSettings, ProviderSettings
from wabot.emulator.people.sample_files import JPEG, PDF, silent_voice
from wabot.trials.peers.model_behaviours import say

NOW = datetime(2026, 11, 22, 12, 0)
pytestmark = pytest.mark.usefixtures("no_proxy")

NAME = "Terracotta pot, *24 cm*"
TEXT = """# Terracotta pots

Made by hand in our workshop, in every size from five to fifty centimetres wide.
![Terracotta pot, **24&nbsp;cm**](photos/pot24.jpg)
- [Price list](prices.pdf)

Ask for the [planting guide](guide.pdf) as well.

![Listen](hello.ogg)

![Gone](photos/gone.jpg)

# Workshop address

[Here we are](geo:39.47,-0.37)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name, content in {
        "shop.md": TEXT.encode(),
        "photos/pot24.jpg": JPEG,
        "prices.pdf": PDF,
        "guide.pdf": PDF,
        "hello.ogg": silent_voice(1),
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def ask(question: str, folder: Path, **settings: object) -> Answer:
    brain = Brain(BrainSettings(knowledge_folder=folder, **settings))  # type: ignore[arg-type]
    return brain.reply(Conversation((Turn("user", question, NOW),), "en"), NOW)


def sent(answer: Answer) -> list[tuple[str, str, str]]:
    return [(file.kind, file.path, file.name) for file in answer.files]


def test_without_a_model_what_the_passage_links_to_goes_with_it(folder: Path) -> None:
    answer = ask("do you have terracotta pots?", folder, max_files=4)
    assert sent(answer) == [
        ("image", "photos/pot24.jpg", NAME),
        ("document", "prices.pdf", "Price list"),
        ("document", "guide.pdf", ""),
        ("voice", "hello.ogg", ""),
    ]
    (text,) = answer.parts
    assert text.startswith(
        "Made by hand in our workshop, in every size from five to fifty centimetres wide.\n"
    )
    assert "Ask for the planting guide as well." in text and "Listen" in text and "Gone" in text
    assert not any(piece in text for piece in ("24 cm", "Price list", ".jpg", ".pdf", "](", "- \n"))


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_no_more_go_than_may_and_the_others_keep_their_names(folder: Path, most: int) -> None:
    answer = ask("do you have terracotta pots?", folder, max_files=most)
    names = [NAME, "Price list"]
    assert len(answer.files) == most
    assert [name in answer.parts[0] for name in names] == [number >= most for number in range(2)]


def test_a_place_may_be_all_there_is_to_say(folder: Path) -> None:
    answer = ask("workshop address?", folder)
    assert (answer.parts, answer.source) == ((), "knowledge")
    assert [(file.kind, file.name, file.place) for file in answer.files] == [
        ("location", "Here we are", (39.47, -0.37))
    ]


@pytest.mark.parametrize(
    ("written", "text", "names"),
    [
        ("We have them. FILE_1", "We have them.", [NAME]),
        ("Here it is.\n\nFILE_2 FILE_1", "Here it is.", [NAME, "Price list"]),
        ("Our Price list:\n[FILE_2: Price list]", "Our Price list:", [""]),
        ("FILE_1", "", [NAME]),
        ("No file is needed. FILE_7 FILE_0", "No file is needed.", []),
        ("FILE_1 FILE_2 FILE_3 FILE_4", "", [NAME, "Price list"]),
        ("We have them.", "We have them.", []),
    ],
)
def test_a_model_sends_what_it_names(
    server: ProviderServer, folder: Path, written: str, text: str, names: list[str]
) -> None:
    server.script(say(written))
    provider = ProviderSettings("tiny", server.base_url, "tiny", timeout_seconds=5)
    answer = ask("do you have terracotta pots?", folder, providers=(provider,), max_files=2)
    assert "\n".join(answer.parts) == text and [file.name for file in answer.files] == names
    assert answer.source == "model:tiny" and answer.calls == frozenset()
    system = server.requests[0].messages[0]["content"]
    assert "[FILE_1: Terracotta pot, " in system and "[FILE_2: Price list]" in system
    assert "photos/" not in system and "write FILE_1" in system


def test_a_model_is_told_nothing_of_files_where_none_may_go(server: ProviderServer, folder: Path) -> None:
    server.script(say("We have them. FILE_1"))
    provider = ProviderSettings("tiny", server.base_url, "tiny", timeout_seconds=5)
    answer = ask("do you have terracotta pots?", folder, providers=(provider,), max_files=0)
    assert answer.files == () and answer.parts == ("We have them.",)
    assert "FILE_" not in server.requests[0].messages[0]["content"]


@pytest.mark.parametrize(
    ("written", "text", "words"),
    [
        ("Look. **FILE_1**", "Look.", {"FILE_1"}),
        ("Look.\n- `file_2`", "Look.", {"FILE_2"}),
        ("Look (FILE\\_1).", "Look.", {"FILE_1"}),
        ("![pot](FILE_1)\nLook.", "Look.", {"FILE_1"}),
        ("See the [price list](FILE_2).", "See the price list.", {"FILE_2"}),
        ("[FILE_1: Terracotta pot, 24 cm]", "", {"FILE_1"}),
        ("FILE_1: Terracotta pot", "Terracotta pot", {"FILE_1"}),
        ("I ask. FILE_1 TELL_TEAM", "I ask.", {"FILE_1", TELL_TEAM}),
        ("TELL_TEAM\nFILE_12", "", {"FILE_12", TELL_TEAM}),
        ("Send us file 1 of 3.", "Send us file 1 of 3.", set()),
        ("my_file_1.pdf and FILE_1.pdf", "my_file_1.pdf and FILE_1.pdf", set()),
        ("[image] Terracotta pot\nLook.", "Look.", set()),
    ],
)
def test_the_dresses_of_the_word(written: str, text: str, words: set[str]) -> None:
    read = read_reply_text(written)
    assert (read.text.strip("- \n"), read.words) == (text, words)
