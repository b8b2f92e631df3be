from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.system import masking
from wabot.system.masking import mask_numbers, mask_phone, mask_secrets, redact


@pytest.fixture(autouse=True)
def forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_secrets", set())
    monkeypatch.setattr(masking, "_redacted", None)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("34600111222", "+34…22"),
        ("+34 600 11 12 22", "+34…22"),
        ("0034600111222", "+34…22"),
        ("34600111222@s.whatsapp.net", "+34…22"),
        ("34600111222:15@s.whatsapp.net", "+34…22"),
        ("12025550123", "+12…23"),
        ("600111", "+…"),
        ("", "+…"),
    ],
)
def test_a_phone_number_keeps_its_ends(number: str, masked: str) -> None:
    assert mask_phone(number) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from 34600111222@s.whatsapp.net", "from +34…22@s.whatsapp.net"),
        ("from 34600111222.0:15@s.whatsapp.net in", "from +34…22@s.whatsapp.net in"),
        ("from 34600111222:15@s.whatsapp.net/3EB0", "from +34…22@s.whatsapp.net/3EB0"),
        ("for 299000011112222:2@lid", "for 29…22@lid"),
        ("in 120363041234567890@g.us", "in 12…90@g.us"),
        ("in 34600111222-1400000000@g.us", "in 34…00@g.us"),
        ("session 34600111222_1:5", "session +34…22_1:5"),
        ("call +34 600 111 222, or (+34) 600111222", "call +34…22, or (+34…22"),
        ("call +1 (202) 555-0123!", "call +12…23!"),
        ("tel:12025550123", "tel:+12…23"),
        ("0034600111222", "+34…22"),
        ("lid 123456789012345", "lid +12…45"),
        ("phone=491711234567;", "phone=+49…67;"),
    ],
)
def test_numbers_of_people_are_shortened(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "took 0.123456789 s, 1795357200 and 1795357200123 and 1795357200123456",
        "process 4194303 on port 65535, 12345678 bytes",
        "message 3EB0F0EFC85FA8B39070F9, id 8D07B1234567890123A",
        "2026-11-22T14:51:03.123Z 2026-11-22 14:51:03,123",
        "invocation 550e8400-e29b-41d4-a716-446655440000",
        "status@broadcast, 127.0.0.1:443, v2.3000.1047769893",
        "commit 33cfac5116293e4cb86f8e4099e8eaf6de7ebc08",
    ],
)
def test_times_and_ids_stay(text: str) -> None:
    assert mask_numbers(text) == text


@given(
    st.text(alphabet=" ,;:()[]=<>'\"\n/é", max_size=5),
    st.integers(2_000_000_000, 999_999_999_999_999),
    st.sampled_from(["", "@s.whatsapp.net", ":12@s.whatsapp.net", "@lid"]),
    st.text(alphabet=" ,;()[]=<>'\"\n/é", max_size=5),
)
def test_no_number_of_a_person_gets_through(before: str, number: int, server: str, after: str) -> None:
    digits = str(number)
    if digits[0] == "1" and len(digits) in (12, 13):
        return
    assert digits[2:-2] not in mask_numbers(f"{before}{digits}{server}{after}")


@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    assert mask_numbers(mask_secrets(text)) is not None


def test_a_long_hostile_text_is_masked_in_time() -> None:
    for piece in ("+1 ", "1-", "12345678", "://", "://a:b", "a" * 8 + "-"):
        mask_numbers(mask_secrets(piece * 20_000))


def test_secrets_are_taken_out_wherever_they_stand() -> None:
    redact("sk-test/1+2")
    redact("sk-test")
    redact("abc")
    assert mask_secrets("Bearer sk-test/1+2") == "Bearer ***"
    assert mask_secrets("https://x/?key=sk-test%2F1%2B2 and sk-test/1%2B2") == "https://x/?key=*** and ***"
    assert mask_secrets("sk-test2 abc") == "***2 abc"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://bot:p%40ss@db/x failed", "postgresql://bot:***@db/x failed"),
        ("smtp://:p@ss:word@mail:25", "smtp://:***@mail:25"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://host:80/a@b and user:pass@host", "http://host:80/a@b and user:pass@host"),
    ],
)
def test_a_url_does_not_show_its_password(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked
