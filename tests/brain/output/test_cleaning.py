"""A text becomes what WhatsApp shows, and nothing odd is left in it."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.brain.output.cleaning import clean, drop_odd_characters
from wabot.brain.output.reply_text import read_reply_text

MARKDOWN = {
    "**bold** and __bold__ and ***bold***": "*bold* and *bold* and *bold*",
    "2 * 3 * 4 and a_b_c and snake__case__d": "2 * 3 * 4 and a_b_c and snake__case__d",
    "# Title\ntext": "*Title*\ntext",
    "### **Title** ##": "*Title*",
    "#hashtag": "#hashtag",
    "[our page](https://a.example/x_(y)?q=1)": "our page: https://a.example/x_(y)?q=1",
    '[page](https://a.example "the title")': "page: https://a.example",
    "[https://a.example](https://a.example)": "https://a.example",
    "[write](mailto:a@b.example) <https://c.example>": "write: a@b.example https://c.example",
    "![photo](https://a.example/p.png)": "photo: https://a.example/p.png",
    "**see https://a.example/b__c__d.**": "*see https://a.example/b__c__d.*",
    "* one\n+ two\n- three\n1. four\n  * nested": "- one\n- two\n- three\n1. four\n  - nested",
    "| Tea | Price |\n|---|:-:|\n| green | 7 € |\n| black | 6 € |": "*Tea – Price*\ngreen – 7 €\nblack – 6 €",
    "use `a**b**c` here": "use `a**b**c` here",
    "```python\nx = 2**3**4\n# no heading\n```\nafter": "```x = 2**3**4\n# no heading```\nafter",
    "```\nnever closed **x**": "```never closed **x**```",
    "~~old~~ new": "~old~ new",
    "one\n\n---\n\ntwo": "one\n\ntwo",
    "a<br>b": "a\nb",
    r"1\. \*not bold\*": "1. *not bold*",
    "a\x00b\x07c\x1b[31m\r\nd\te\u202ef\ud800g": "abc[31m\nd ef" + "g",
    "a\n\n\n\n\nb   \n": "a\n\nb",
}


@pytest.mark.parametrize(("text", "answer"), MARKDOWN.items())
def test_markdown_becomes_what_whatsapp_shows(text: str, answer: str) -> None:
    assert clean(text) == answer


# Letters of full width are made plain: a word of control hides in them.
WIDE = "".join(map(chr, range(0xFF21, 0xFF5B)))
PLAIN = st.characters(whitelist_categories=("Ll", "Lu", "Lo", "Nd", "So"), blacklist_characters=WIDE)
PLAIN_WORDS = st.lists(st.text(PLAIN, min_size=1, max_size=15), max_size=60)


@given(PLAIN_WORDS, st.sampled_from([" ", "\n", "\n\n", ". "]))
def test_plain_text_is_left_as_it_is(words: list[str], between: str) -> None:
    text = between.join(words)
    assert read_reply_text(text).text == (text.strip() if any(map(str.isalnum, text)) else clean(text))


WORD = st.text("abcñé12", min_size=1, max_size=8)
PHRASE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
BLOCK = st.one_of(
    PHRASE,
    PHRASE.map(lambda text: f"## {text}"),
    PHRASE.map(lambda text: f"**{text}**"),
    PHRASE.map(lambda text: f"_{text}_ and __{text}__"),
    PHRASE.map(lambda text: f"* {text}\n* {text}"),
    PHRASE.map(lambda text: f"1. {text}"),
    PHRASE.map(lambda text: f"> {text}"),
    PHRASE.map(lambda text: f"[{text}](https://a.example/{text.split()[0]})"),
    PHRASE.map(lambda text: f"`{text}`"),
    PHRASE.map(lambda text: f"```\n{text}\n```"),
    PHRASE.map(lambda text: f"| {text} | {text} |\n|---|---|\n| {text} | {text} |"),
    PHRASE.map(lambda text: f"~~{text}~~"),
)


@given(st.lists(BLOCK, max_size=8))
def test_no_word_of_markdown_is_lost_or_changes_its_place(blocks: list[str]) -> None:
    def words(text: str) -> list[str]:
        return [word for word in re.findall(r"[a-zñé12]+", text) if word not in ("https", "example")]

    assert words(clean("\n\n".join(blocks))) == words("\n\n".join(blocks))


@given(st.text(alphabet=st.characters(), max_size=400))
def test_no_text_breaks_it_and_nothing_odd_is_left(text: str) -> None:
    cleaned = clean(text)
    assert all(
        character == "\n" or unicodedata.category(character) not in ("Cc", "Cs") for character in cleaned
    )
    assert cleaned == cleaned.strip()


@given(st.text(alphabet="*_`~#|[]()<>\\!-+ \n\x00a1h:/.", max_size=300))
def test_no_pile_of_marks_breaks_it(text: str) -> None:
    assert "\x00" not in clean(text)


def test_of_all_characters_those_that_control_are_dropped_and_no_other() -> None:
    kept = set(drop_odd_characters("".join(map(chr, range(sys.maxunicode + 1)))))
    dropped = {chr(code) for code in range(sys.maxunicode + 1)} - kept
    controls = {
        chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cc", "Cs")
    }
    turns_around = {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"}
    # The last two are line ends.
    assert dropped == controls - {"\n"} | turns_around | {"\u2028", "\u2029"}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"name": "get_hours", "arguments": {"day": "monday"}}', ""),
        ('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', ""),
        ('Un momento.\n<tool_call>{"name": "f"', "Un momento."),
        ('[TOOL_CALLS][{"name": "f"}]', ""),
        ('{"response": "Abrimos a las 10."}', "Abrimos a las 10."),
        ('```json\n{"answer": "Abrimos a las 10."}\n```', "Abrimos a las 10."),
        ('{"a": 1}', '{"a": 1}'),
        ("{no JSON}", "{no JSON}"),
        ("Assistant: Abrimos a las 10.\nUser: gracias\nAssistant: De nada", "Abrimos a las 10."),
        ("Cliente: usted paga el envío.", "Cliente: usted paga el envío."),
        ("[INST] x [/INST] Hola </s>", "Hola"),
        (
            "<p>Abrimos a <b>las 10</b></p><ul><li>uno</li><li>dos</li></ul>",
            "Abrimos a *las 10*\n- uno\n- dos",
        ),
        ("10 &amp; 14&nbsp;€", "10 & 14 €"),
        ("Hola\\n\\nAbrimos", "Hola\n\nAbrimos"),
        (
            "Precios:\\n- té: 4 €\\n- taza: 9 €\\n¿Algo más?\\n",
            "Precios:\n- té: 4 €\n- taza: 9 €\n¿Algo más?",
        ),
        ("Hola.\\n2 € cada uno.\\nÁbralo.", "Hola.\n2 € cada uno.\nÁbralo."),
        (r"Está en C:\new y en D:\libros\núcleo.", r"Está en C:\new y en D:\libros\núcleo."),
        ("Hola.\nUn salto se escribe \\n. Así.", "Hola.\nUn salto se escribe \\n. Así."),
        (r"Está en \\servidor\notas\ñu.", r"Está en \servidor\notas\ñu."),
        (r'Escriba print("a\n") o `\n`.', r'Escriba print("a\n") o `\n`.'),
        ("si a < b y b > c", "si a < b y b > c"),
    ],
)
def test_what_models_write_around_an_answer_is_taken_off(written: str, sent: str) -> None:
    assert read_reply_text(written).text == sent
