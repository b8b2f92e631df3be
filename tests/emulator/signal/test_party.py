"""Two Signal parties talk to each other: any order, losses, repeats, tampering, and what is kept at most."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.emulator.crypto import KeyPair
from wabot.emulator.signal import party as signal
from wabot.emulator.signal import ratchet
from wabot.emulator.signal.party import Bundle, DuplicateMessage, NotAuthentic, SignalError, SignalParty
from wabot.emulator.wire import protobuf

ANA, BEN, BOT = "15550001:0@lid", "15550002:0@lid", "15550100:3@lid"


@pytest.fixture
def ana() -> SignalParty:
    return SignalParty.generate()


@pytest.fixture
def bot() -> SignalParty:
    return SignalParty.generate()


def introduce(ana: SignalParty, bot: SignalParty) -> None:
    """After this each side has read a message of the other."""
    assert bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", bot.bundle())) == b"hello"
    assert ana.decrypt(BOT, *bot.encrypt(ANA, b"hi")) == b"hi"


def test_keys_agree_with_the_published_vector_of_libsignal() -> None:
    # libsignal, RatchetingSessionTest: the first chain key of a session without a one-time prekey
    bob_identity = "4875cc69ddf8ea0719ec947d61081135868d5fd801f02c0225e516df2156605e"
    bob_signed_prekey = "583900131fb727998b7803fe6ac22cc591f342e4e42a8c8d5d78194209b8d253"
    alice_identity = "b4a8455660ada65b401007f615e654041746432e3339c6875149bceefcb42b4a"
    alice_base = "e2c05860f2ac6b2b57ba564b421ffe71e4b128c591e46e0491cc9b33dbf22a27"
    identity, prekey = (KeyPair.from_private(bytes.fromhex(key)) for key in (bob_identity, bob_signed_prekey))
    agreements = [
        prekey.agree(bytes.fromhex(alice_identity)),
        identity.agree(bytes.fromhex(alice_base)),
        prekey.agree(bytes.fromhex(alice_base)),
    ]
    _, chain_key = signal.initial_keys(agreements)
    assert chain_key.hex() == "ab9be50e5cb22a925446ab90ee5670545f4fd32902459ec274b6ad0ae5d6031a"


def test_message_keys_agree_with_the_published_vector_of_libsignal() -> None:
    # libsignal, ChainKeyTest, message version 3
    chain_key = bytes.fromhex("8ab72d6f4cc5ac0d387eaf463378ddb28edd07385b1cb01250c715982e7ad48f")
    aes_key, mac_key, iv = ratchet.message_keys(ratchet.message_seed(chain_key))
    assert aes_key.hex() == "bf51e9d75e0e31031051f82a2491ffc084fa298b7793bd9db620056febf45217"
    assert mac_key.hex() == "c6c77d6a73a354337a56435e34607dfe48e3ace14e77314dc6abc172e7a7030b"
    assert len(iv) == 16
    following = "28e8f8fee54b801eef7c5cfb2f17f32c7b334485bbb70fac6ec10342a246d15d"
    assert ratchet.next_chain(chain_key).hex() == following


def test_the_root_key_is_derived_as_the_client_library_does() -> None:
    # recorded when the unmodified neonize 0.5.2 was seen reading and answering over many turns
    root_key, chain_key = ratchet.next_root(bytes(range(32)), bytes(range(32, 64)))
    assert root_key.hex() == "62ffc77945c7aae74572869ac8a9522d96bc75a79cf3863ae7335004186255b3"
    assert chain_key.hex() == "2de7be8dc5a58c68bcb5db2e71cb88157ed10ab4f7ea97ba5606e49733da2b94"


def test_introduces_itself_until_the_peer_has_answered(ana: SignalParty, bot: SignalParty) -> None:
    first = ana.encrypt(BOT, b"one", bot.bundle())
    second = ana.encrypt(BOT, b"two")
    assert (first[0], second[0]) == ("pkmsg", "pkmsg")
    assert bot.decrypt(ANA, *second) == b"two"
    assert bot.decrypt(ANA, *first) == b"one"
    answer = bot.encrypt(ANA, b"three")
    assert answer[0] == "msg"
    assert ana.decrypt(BOT, *answer) == b"three"
    assert ana.encrypt(BOT, b"four")[0] == "msg"


def test_works_without_a_one_time_prekey(ana: SignalParty, bot: SignalParty) -> None:
    full = bot.bundle()
    short = Bundle(
        full.registration_id,
        full.identity,
        full.signed_prekey_id,
        full.signed_prekey,
        full.signed_prekey_signature,
    )
    assert bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", short)) == b"hello"


@settings(max_examples=60)
@given(st.data())
def test_any_order_with_losses_and_repeats(data: st.DataObject) -> None:
    ana, bot = SignalParty.generate(), SignalParty.generate()
    introduce(ana, bot)
    parties = {ANA: (ana, BOT), BOT: (bot, ANA)}
    under_way: dict[str, list[tuple[bytes, tuple[str, bytes]]]] = {ANA: [], BOT: []}
    read: list[tuple[str, tuple[str, bytes]]] = []
    actions = st.sampled_from(["send", "send", "deliver", "deliver", "lose", "repeat"])
    for number in range(data.draw(st.integers(1, 40))):
        sender = data.draw(st.sampled_from([ANA, BOT]))
        party, receiver = parties[sender]
        action = data.draw(actions)
        if action == "send":
            plaintext = b"%d" % number
            under_way[sender].append((plaintext, party.encrypt(receiver, plaintext)))
        elif action == "repeat" and read:
            origin, repeated = data.draw(st.sampled_from(read))
            with pytest.raises(SignalError):
                parties[parties[origin][1]][0].decrypt(origin, *repeated)
        elif under_way[sender]:
            at = data.draw(st.integers(0, len(under_way[sender]) - 1))
            plaintext, message = under_way[sender].pop(at)
            if action == "deliver":
                assert parties[receiver][0].decrypt(sender, *message) == plaintext
                read.append((sender, message))
    for sender, (party, receiver) in parties.items():
        assert parties[receiver][0].decrypt(sender, *party.encrypt(receiver, b"still here")) == b"still here"


def test_the_same_ciphertext_twice_is_a_duplicate(ana: SignalParty, bot: SignalParty) -> None:
    introduction = ana.encrypt(BOT, b"hello", bot.bundle())
    bot.decrypt(ANA, *introduction)
    with pytest.raises(DuplicateMessage):
        bot.decrypt(ANA, *introduction)
    answer = bot.encrypt(ANA, b"hi")
    ana.decrypt(BOT, *answer)
    with pytest.raises(DuplicateMessage):
        ana.decrypt(BOT, *answer)


def test_a_one_time_prekey_works_once(ana: SignalParty, bot: SignalParty) -> None:
    bundle = bot.bundle()
    bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", bundle))
    with pytest.raises(SignalError, match="one-time prekey 1, which is gone"):
        bot.decrypt(ANA, *ana.encrypt(BOT, b"again", bundle))


def test_prekeys_that_are_never_used_do_not_pile_up(ana: SignalParty, bot: SignalParty) -> None:
    oldest = bot.bundle()
    for _ in range(signal.MAX_OUTSTANDING_PREKEYS - 1):
        newest = bot.bundle()
    assert bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", oldest)) == b"hello"
    bot.bundle()
    second = bot.bundle()
    assert second.prekey_id is not None
    assert newest.prekey_id is not None
    assert second.prekey_id == newest.prekey_id + 2
    with pytest.raises(SignalError, match="one-time prekey"):
        bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", Bundle(**{**_fields(oldest), "prekey_id": 2})))


@pytest.mark.parametrize("place", ["version", "ratchet key", "counter", "ciphertext", "code"])
def test_tampering_is_noticed_and_changes_nothing(ana: SignalParty, bot: SignalParty, place: str) -> None:
    introduce(ana, bot)
    enc_type, message = ana.encrypt(BOT, b"transfer 10")
    at = {"version": 0, "ratchet key": 8, "counter": 37, "ciphertext": -12, "code": -1}[place]
    changed = bytearray(message)
    changed[at] ^= 0x01
    with pytest.raises(SignalError):
        bot.decrypt(ANA, enc_type, bytes(changed))
    assert bot.decrypt(ANA, enc_type, message) == b"transfer 10"


def test_a_tampered_late_message_does_not_use_its_key_up(ana: SignalParty, bot: SignalParty) -> None:
    introduce(ana, bot)
    enc_type, late = ana.encrypt(BOT, b"late")
    bot.decrypt(ANA, *ana.encrypt(BOT, b"in time"))
    with pytest.raises(NotAuthentic):
        bot.decrypt(ANA, enc_type, late[:-1] + bytes([late[-1] ^ 0x01]))
    assert bot.decrypt(ANA, enc_type, late) == b"late"


def test_an_authentic_message_with_a_broken_ciphertext_is_refused(
    ana: SignalParty, bot: SignalParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    introduce(ana, bot)
    with monkeypatch.context() as patched:
        patched.setattr(ratchet, "encrypt_cbc", lambda key, iv, plaintext: b"no whole block")
        broken = ana.encrypt(BOT, b"hello")
    with pytest.raises(SignalError, match="not well formed"):
        bot.decrypt(ANA, *broken)


def test_the_length_of_the_chain_before_is_told(ana: SignalParty, bot: SignalParty) -> None:
    introduce(ana, bot)
    sent = [ana.encrypt(BOT, b"?") for _ in range(3)]
    bot.decrypt(ANA, *sent[-1])
    ana.decrypt(BOT, *bot.encrypt(ANA, b"!"))
    _, message = ana.encrypt(BOT, b"?")
    fields = protobuf.decode(message[1:-8])
    assert (fields[2], fields[3]) == ([0], [2])


def test_a_message_for_somebody_else_is_not_authentic(ana: SignalParty, bot: SignalParty) -> None:
    introduce(ana, bot)
    ben = SignalParty.generate()
    bot.decrypt(BEN, *ben.encrypt(BOT, b"hello", bot.bundle()))
    ben.decrypt(BOT, *bot.encrypt(BEN, b"hi"))
    with pytest.raises(NotAuthentic):
        bot.decrypt(ANA, *ben.encrypt(BOT, b"I am not Ana"))


def test_a_tampered_introduction_keeps_the_prekey(bot: SignalParty) -> None:
    ana = SignalParty(KeyPair.generate(), registration_id=1)
    enc_type, message = ana.encrypt(BOT, b"hello", bot.bundle())
    # Registration id and signed prekey id take four bytes; the code of the message inside ends before them.
    changed = message[:-5] + bytes([message[-5] ^ 0x01]) + message[-4:]
    with pytest.raises(NotAuthentic):
        bot.decrypt(ANA, enc_type, changed)
    assert not bot.has_session(ANA)
    assert bot.decrypt(ANA, enc_type, message) == b"hello"


def test_an_introduction_of_another_version_is_refused(ana: SignalParty, bot: SignalParty) -> None:
    enc_type, message = ana.encrypt(BOT, b"hello", bot.bundle())
    with pytest.raises(SignalError, match="version 44"):
        bot.decrypt(ANA, enc_type, b"\x44" + message[1:])


def test_an_introduction_with_keys_of_another_type_is_refused(ana: SignalParty, bot: SignalParty) -> None:
    enc_type, message = ana.encrypt(BOT, b"hello", bot.bundle())
    identity = ana.identity.public
    with pytest.raises(SignalError, match="33 bytes that start with 05"):
        bot.decrypt(ANA, enc_type, message.replace(b"\x05" + identity, b"\x06" + identity))


def test_an_introduction_with_another_signed_prekey_is_refused(ana: SignalParty, bot: SignalParty) -> None:
    unknown = Bundle(**{**_fields(bot.bundle()), "signed_prekey_id": 2})
    with pytest.raises(SignalError, match="signed prekey 2, which does not exist"):
        bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", unknown))


def test_a_forged_bundle_is_refused(ana: SignalParty, bot: SignalParty) -> None:
    forged = Bundle(**{**_fields(bot.bundle()), "signed_prekey": KeyPair.generate().public})
    with pytest.raises(SignalError, match="signature"):
        ana.encrypt(BOT, b"hello", forged)
    assert not ana.has_session(BOT)


def test_a_bundle_with_a_weak_key_is_refused(ana: SignalParty, bot: SignalParty) -> None:
    weak = Bundle(**{**_fields(bot.bundle()), "prekey": bytes(32)})
    with pytest.raises(SignalError, match="cannot be used"):
        ana.encrypt(BOT, b"hello", weak)


def test_many_messages_can_be_skipped_but_not_any_number(ana: SignalParty, bot: SignalParty) -> None:
    introduce(ana, bot)
    sent = [ana.encrypt(BOT, b"%d" % number) for number in range(ratchet.MAX_SKIPPED_MESSAGES + 2)]
    with pytest.raises(SignalError, match="skips more"):
        bot.decrypt(ANA, *sent[-1])
    assert bot.decrypt(ANA, *sent[-2]) == b"%d" % ratchet.MAX_SKIPPED_MESSAGES
    assert bot.decrypt(ANA, *sent[-1]) == b"%d" % (ratchet.MAX_SKIPPED_MESSAGES + 1)
    assert bot.decrypt(ANA, *sent[0]) == b"0"
    assert bot.decrypt(ANA, *sent[1000]) == b"1000"


def test_keys_of_skipped_messages_are_dropped_oldest_first(
    ana: SignalParty, bot: SignalParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratchet, "MAX_SKIPPED_MESSAGES", 5)
    introduce(ana, bot)
    sent = [ana.encrypt(BOT, b"%d" % number) for number in range(9)]
    assert bot.decrypt(ANA, *sent[4]) == b"4"
    assert bot.decrypt(ANA, *sent[8]) == b"8"
    for number in (0, 1):
        with pytest.raises(DuplicateMessage):
            bot.decrypt(ANA, *sent[number])
    assert [bot.decrypt(ANA, *sent[number]) for number in (2, 3, 5, 6, 7)] == [b"2", b"3", b"5", b"6", b"7"]


def test_messages_of_the_last_few_turns_can_still_be_read(ana: SignalParty, bot: SignalParty) -> None:
    introduce(ana, bot)
    late = []
    for turn in range(ratchet.MAX_RECEIVING_CHAINS + 1):
        late.append(ana.encrypt(BOT, b"late %d" % turn))
        bot.decrypt(ANA, *ana.encrypt(BOT, b"in time"))
        ana.decrypt(BOT, *bot.encrypt(ANA, b"answer"))
    assert bot.decrypt(ANA, *late[-1]) == b"late %d" % ratchet.MAX_RECEIVING_CHAINS
    assert bot.decrypt(ANA, *late[1]) == b"late 1"
    with pytest.raises(SignalError):
        bot.decrypt(ANA, *late[0])


def test_both_may_begin_at_the_same_time(ana: SignalParty, bot: SignalParty) -> None:
    from_ana = ana.encrypt(BOT, b"from ana", bot.bundle())
    from_bot = bot.encrypt(ANA, b"from bot", ana.bundle())
    assert bot.decrypt(ANA, *from_ana) == b"from ana"
    assert ana.decrypt(BOT, *from_bot) == b"from bot"
    for _ in range(3):
        assert bot.decrypt(ANA, *ana.encrypt(BOT, b"?")) == b"?"
        assert ana.decrypt(BOT, *bot.encrypt(ANA, b"!")) == b"!"


def test_a_new_session_replaces_the_old_one_but_late_messages_are_read(
    ana: SignalParty, bot: SignalParty
) -> None:
    introduce(ana, bot)
    late = bot.encrypt(ANA, b"late")
    enc_type, fresh = bot.encrypt(ANA, b"fresh", ana.bundle())
    assert enc_type == "pkmsg"
    assert ana.decrypt(BOT, enc_type, fresh) == b"fresh"
    for _ in range(signal.MAX_SESSIONS_PER_PEER + 1):
        assert bot.decrypt(ANA, *ana.encrypt(BOT, b"in the new one")) == b"in the new one"
        assert ana.decrypt(BOT, *bot.encrypt(ANA, b"in the new one")) == b"in the new one"
    assert ana.decrypt(BOT, *late) == b"late"


def test_a_late_message_of_a_long_chain_finds_its_session(
    ana: SignalParty, bot: SignalParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratchet, "MAX_SKIPPED_MESSAGES", 5)
    introduce(ana, bot)
    for _ in range(10):
        ana.decrypt(BOT, *bot.encrypt(ANA, b"news"))
    late = bot.encrypt(ANA, b"late")
    ana.decrypt(BOT, *bot.encrypt(ANA, b"fresh", ana.bundle()))
    assert ana.decrypt(BOT, *late) == b"late"


def test_only_a_few_sessions_are_kept(ana: SignalParty, bot: SignalParty) -> None:
    late = []
    for number in range(signal.MAX_SESSIONS_PER_PEER + 1):
        ana.decrypt(BOT, *bot.encrypt(ANA, b"begin", ana.bundle()))
        late.append(bot.encrypt(ANA, b"%d" % number))
    assert ana.decrypt(BOT, *late[1]) == b"1"
    with pytest.raises(SignalError):
        ana.decrypt(BOT, *late[0])


def test_a_dropped_session_needs_a_bundle(ana: SignalParty, bot: SignalParty) -> None:
    introduce(ana, bot)
    late = bot.encrypt(ANA, b"late")
    ana.drop_session(BOT)
    assert not ana.has_session(BOT)
    with pytest.raises(SignalError, match="no session"):
        ana.decrypt(BOT, *late)
    with pytest.raises(SignalError, match="no bundle"):
        ana.encrypt(BOT, b"hello")
    assert bot.decrypt(ANA, *ana.encrypt(BOT, b"hello", bot.bundle())) == b"hello"


def test_a_responder_cannot_send_before_it_has_read() -> None:
    keys = KeyPair.generate()
    session = ratchet.Session.respond(keys.public, keys.public, keys.public, bytes(32), keys)
    with pytest.raises(SignalError, match="has not read"):
        session.encrypt(b"too early")


@settings(max_examples=100)
@given(st.sampled_from(["pkmsg", "msg", "skmsg", ""]), st.binary(max_size=400), st.booleans())
def test_rubbish_is_refused(enc_type: str, rubbish: bytes, with_version: bool) -> None:
    ana, bot = PAIR
    with pytest.raises(SignalError):
        bot.decrypt(ANA, enc_type, b"\x33" * with_version + rubbish)
    assert bot.decrypt(ANA, *ana.encrypt(BOT, b"unharmed")) == b"unharmed"


@settings(max_examples=100)
@given(st.integers(0, 999), st.integers(1, 255))
def test_a_changed_introduction_never_passes_for_something_else(place: int, change: int) -> None:
    ana, bot = SignalParty.generate(), PAIR[1]
    enc_type, message = ana.encrypt(BOT, b"exactly this", bot.bundle())
    changed = bytearray(message)
    changed[place % len(message)] ^= change
    try:
        assert bot.decrypt(BEN, enc_type, bytes(changed)) == b"exactly this"
    except SignalError:
        assert not bot.has_session(BEN)
    bot.drop_session(BEN)


def _fields(bundle: Bundle) -> dict[str, object]:
    return {name: getattr(bundle, name) for name in Bundle.__slots__}


PAIR = (SignalParty.generate(), SignalParty.generate())
introduce(*PAIR)
