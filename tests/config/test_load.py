from __future__ import annotations

import json
import math
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import REPOSITORY
from tests.support.configuration import PROVIDER, load, problems
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.errors import ConfigError, ExitCode

EXAMPLE = REPOSITORY / "systemd" / "wabot.toml"
SECRET = "sk-live-4242"


# Which file
def test_an_empty_file_means_all_defaults(file: Path) -> None:
    settings = load(file, "")
    assert (settings.account, settings.connection) == (Settings().account, Settings().connection)
    assert settings.paths.state == Path("/home/ana/.local/state/wabot")
    assert settings.database.url == "sqlite:////home/ana/.local/state/wabot/wabot.db"
    assert settings.source == str(file)


def test_the_example_can_be_read_and_is_the_defaults(tmp_path: Path) -> None:
    example = load_settings(EXAMPLE, {"HOME": "/home/ana", "STATE_DIRECTORY": "/var/lib/wabot"})
    defaults = load(tmp_path / "empty.toml", "", {"STATE_DIRECTORY": "/var/lib/wabot"})
    for section in ("account", "connection", "replies", "chats", "janitor"):
        assert getattr(example, section) == getattr(defaults, section)
    assert example.paths.state == Path("/var/lib/wabot")


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    files = {}
    for name in ("named", "by_variable", "by_systemd"):
        directory = tmp_path / name
        directory.mkdir()
        files[name] = directory / "wabot.toml"
        files[name].write_text(f'account.user_id = "{name}"', encoding="utf-8")
    environ = {"HOME": "/home/ana"}
    environ["CONFIGURATION_DIRECTORY"] = f"{tmp_path / 'by_systemd'}:/etc/other"
    assert load_settings(None, environ).account.user_id == "by_systemd"
    environ["WABOT_CONFIG"] = str(files["by_variable"])
    assert load_settings(None, environ).account.user_id == "by_variable"
    assert load_settings(files["named"], environ).account.user_id == "named"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.toml", "no such file; create it or name another with --config"),
        ("", "cannot be read: Is a directory"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("wabot.toml/x", "cannot be read: Not a directory"),
    ],
)
def test_a_named_file_has_to_be_there(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "wabot.toml").touch()
    named = tmp_path / name
    for file, environ in ((named, {}), (None, {"WABOT_CONFIG": str(named)})):
        with pytest.raises(ConfigError) as caught:
            load_settings(file, environ)
        assert caught.value.problems == [f"{named}: {said}"]


@pytest.mark.parametrize("name", ["north.toml", "shops/north"])
def test_what_is_no_name_of_a_number_is_not_taken_for_one(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(Path(name), {})
    assert caught.value.problems == [f"{name}: no such file; create it or name another with --config"]


def test_what_may_have_been_meant_fits_the_section(file: Path) -> None:
    assert "[[ai.providers]]" not in problems(file, 'database.base_url = "x"')[0]
    (problem,) = problems(file, '[[ai.providers]]\nbase_url = "http://a/v1"\nmodel = "m"\nuser_id = "x"')
    assert problem.endswith("user_id: unknown setting; it belongs below the line [account]")
    (problem,) = problems(file, '[[ai.providers]]\nbase_url = "http://a/v1"\nmodel = "m"\nfoo = "x"')
    assert "; [ai.providers] has name, " in problem or "; [ai.providers] has base_url" in problem


@pytest.mark.parametrize(
    ("setting", "member"),
    [
        ('chats.allow = ["+34600111222", "600111222"]', "'600111222'"),
        ('chats.opt_out_words = ["baja", "…"]', "'…'"),
        ('chats.business_hours = ["mon-fri 09:00-18:00", "sat 9 to 5"]', "'sat 9 to 5'"),
        ('chats.trigger_values = ["hola", 5]', "5"),
        ('alerts.to = ["owner@example.com", "owner"]', "'owner'"),
    ],
)
def test_of_a_list_the_member_that_is_wrong_is_named(file: Path, setting: str, member: str) -> None:
    said = next(problem for problem in problems(file, setting) if "allowed is" in problem)
    assert said.startswith(f"{setting.partition(' ')[0]}: {member} in it: allowed is ")


def test_a_backslash_that_toml_read_as_a_tab_is_explained(file: Path) -> None:
    problem = problems(file, r"""ai.knowledge = "C:\temp" """)[0]
    assert r"each \ is written \\" in problem


# Every problem at once
def test_every_problem_is_reported_at_once_with_key_value_and_what_is_allowed(file: Path) -> None:
    found = problems(
        file,
        """
        colour = "red"
        paths = "/srv"

        [account]
        user_id = "a b"
        language = "fr"
        nickname = "Bot"
        languages = "es"

        [connection]
        connect_timeout = "soon"
        max_unstable_cycles = 100001
        keepalive_interval = true

        [database]
        tables = "mine"

        [replies]
        typing = "no"
        max_parts = 2.5

        [chats]
        allow = "34600111222"

        [ai]
        history_max_age = "400d"
        base_url = "http://localhost"
        trigger_type = "all"
        [[ai.providers]]
        model = "m"
        temprature = 1
        temperature = 3

        [nothing]
        """,
    )
    assert len(found) == 20
    for line in (
        "[colour]: unknown section; there are account, paths, database,",
        "paths: write it as a section, [paths]",
        "account.user_id = 'a b': allowed is letters, digits, '.', '_' and '-'",
        'account.language = \'fr\': allowed is one of "es", "en", "pt"',
        "account.nickname: unknown setting; [account] has user_id, language,",
        "account.languages: unknown setting; was language meant?",
        "ai.base_url: unknown setting; it belongs below a line [[ai.providers]], which must not begin with #",
        "ai.trigger_type: unknown setting; it belongs below the line [chats]",
        "connection.connect_timeout = 'soon': allowed is 1s to 10m: seconds, or a text such as \"15m\"",
        "connection.max_unstable_cycles = 100001: allowed is a whole number from 0 to 100000",
        "connection.keepalive_interval = True: allowed is 1s to 10m",
        "database.tables: write it as a section, [database.tables]",
        "replies.typing = 'no': allowed is true or false",
        "replies.max_parts = 2.5: allowed is a whole number from 1 to 20",
        "chats.allow = '34600111222': allowed is a list of texts",
        "ai.history_max_age = '400d': allowed is 0s to 365d",
        "ai.providers[1].temprature: unknown setting; was temperature meant?",
        "ai.providers[1].temperature = 3: allowed is a number from 0 to 2",
        "ai.providers[1].base_url: missing",
        "[nothing]: unknown section; there are account,",
    ):
        assert any(problem.startswith(line) for problem in found), line


def test_a_setting_before_the_first_section_is_told_where_it_belongs(file: Path) -> None:
    found = problems(file, 'user_id = "north"\nnickname = "x"\n[account]\nlanguage = "es"\n[typing]\nx = 1\n')
    assert found[0] == "user_id: it stands before the first section; it belongs below the line [account]"
    assert found[1].startswith("[nickname]: unknown section; there are account,")
    assert found[2].startswith("[typing]: unknown section; there are account,")


def test_the_error_is_one_line_with_all_of_them(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file, 'account.user_id = "a\\nb"\nreplies.workers = 0')
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("allowed is") == 2
    assert caught.value.exit_code is ExitCode.OPERATOR_NEEDED


@pytest.mark.parametrize("key", ["\\u001b[2J", "x\\ny", "k" * 50_000, "\\u202e"])
def test_a_strange_key_is_shown_harmlessly(file: Path, key: str) -> None:
    for text in (f'"{key}" = 1', f'[account]\n"{key}" = 1', PROVIDER + f'"{key}" = 1'):
        (problem,) = problems(file, text)
        assert problem.isprintable()
        assert len(problem) < 1000


@pytest.mark.parametrize("value", ['"' + "x" * 5000 + '"', "0x" + "f" * 5000, "[" * 100 + "]" * 100])
def test_a_large_value_is_shown_shortened(file: Path, value: str) -> None:
    (problem,) = problems(file, f"replies.workers = {value}")
    assert problem.endswith("…: allowed is a whole number from 1 to 64")
    assert len(problem) < 200


# What depends on more than one key
def test_the_state_directory(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    systemd = {"STATE_DIRECTORY": "/var/lib/wabot:/var/lib/other"}
    assert load(file, "", systemd).paths.state == Path("/var/lib/wabot")
    assert load(file, 'paths.state = "/srv/a/../b"', systemd).paths.state == Path("/srv/b")
    assert load(file, 'paths.state = "here"', systemd).paths.state == tmp_path / "here"
    assert load(file, 'paths.state = ""', systemd).paths.state == Path("/var/lib/wabot")
    settings = load(file, 'paths.state = "/srv"\naccount.user_id = "ana"')
    assert settings.session_store == Path("/srv/sessions/ana/whatsapp.db")
    assert settings.session_lock == Path("/srv/sessions/ana.lock")
    assert settings.database.url == "sqlite:////srv/wabot.db"


@pytest.mark.parametrize("state", ["/srv/a b", "/srv/a?b", "/srv/a#b", "/srv/a%20b", "/srv/ñ", "/srv/a:b"])
def test_the_client_library_has_to_be_able_to_open_its_store_there(file: Path, state: str) -> None:
    (problem,) = problems(file, f'paths.state = "{state}"')
    assert problem.startswith(f"paths.state = '{state}': allowed are letters, digits and . _ - /")


@pytest.mark.parametrize("user_id", ["../ana", "a/b", ".hidden", "", "a" * 101, "ana.lock", "a\\tb", "ñ"])
def test_a_user_id_is_a_file_name_too(file: Path, user_id: str) -> None:
    (problem,) = problems(file, f'account.user_id = "{user_id}"')
    assert problem.startswith("account.user_id = ")


def test_a_file_that_is_named_has_to_be_there(file: Path, tmp_path: Path) -> None:
    assert load(file, "").ai.knowledge == Path("/etc/wabot/knowledge")
    (tmp_path / "knowledge").mkdir()
    settings = load(file, f'ai.knowledge = "{tmp_path / "knowledge"}"')
    assert settings.ai.knowledge == tmp_path / "knowledge"
    found = problems(file, f'[ai]\nknowledge = "/no/such"\nsystem_prompt_file = "{"x" * 3000}"')
    assert found[0] == "ai.knowledge = '/no/such': no such file or folder"
    assert found[1].startswith("ai.system_prompt_file = 'xxx")
    assert len(found) == 2


def test_the_address_of_the_database_may_be_a_secret_and_has_to_be_an_address(file: Path) -> None:
    address = f"postgresql://wabot:{SECRET}@db/shop"
    assert load(file, 'database.url = "env:URL"', {"URL": address}).database.url == address
    (problem,) = problems(file, 'database.url = "env:URL"', {"URL": f"postgresq//{SECRET}"})
    assert problem == (
        "database.url: what env:URL holds is no address: "
        "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
    )


# Whatever is in the file
def as_toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if math.isnan(value) or math.isinf(value):
            return f"{value}"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value)
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case dict():
            inside = ", ".join(f"{as_toml(key)} = {as_toml(item)}" for key, item in value.items())
            return "{" + inside + "}"
        case _:
            return str(value)


keys = st.sampled_from(
    [
        *("account", "paths", "database", "connection", "ai", "replies", "chats", "janitor", "providers"),
        *("user_id", "state", "url", "tables", "users", "knowledge", "base_url", "model", "api_key", "name"),
        *("allow", "trigger_type", "trigger_values", "timezone", "business_hours", "workers", "file"),
    ]
) | st.text(max_size=5)
words = st.sampled_from(
    ["regex", "env:HOME", "credential:x", "file:/dev/null", "file:~x/y", "sqlite:///x", "15m", "~x/y", "(a"]
)
leaves = (
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | words
    | st.just(date(2026, 11, 22))
    | st.just(time(12, 30))
)
trees = st.dictionaries(
    keys,
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_size=5,
)
sections = st.sampled_from(["account", "paths", "database", "connection", "ai", "replies", "chats"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees | st.dictionaries(sections, trees, max_size=5))
def test_any_values_are_good_or_a_configuration_error(file: Path, tree: dict[str, Any]) -> None:
    text = "\n".join(f"{as_toml(key)} = {as_toml(value)}" for key, value in tree.items())
    try:
        load(file, text)
    except ConfigError as error:
        assert error.problems
        assert "\n" not in str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 50))
def test_any_bytes_are_good_or_a_configuration_error(
    file: Path, rubbish: bytes, position: int, length: int
) -> None:
    example = EXAMPLE.read_bytes().replace(b"\n# ", b"\n").replace(b"\n#", b"\n")
    for content in (rubbish, example[:position] + rubbish + example[position + length :]):
        file.write_bytes(content)
        try:
            load_settings(file, {"HOME": "/home/ana"})
        except ConfigError as error:
            assert error.problems


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+34 600-11.12 (22)", "34600111222"),
        ("0034600111222", "34600111222"),
        ("+44 (0)7911 123456", "447911123456"),
        ("+34\u00a0600\u2011111\u202f222", "34600111222"),
        ("\u202a+34600111222\u202c", "34600111222"),
        ("34600111222:3@c.us", "34600111222@s.whatsapp.net"),
        ("+44 (0)79*", "4479*"),
        (" 34600* ", "34600*"),
        ("*", "*"),
        ("299000111222@lid", "299000111222@lid"),
        ("*@g.us", "*@g.us"),
        ("34600111222-1400000000@g.us", "34600111222-1400000000@g.us"),
    ],
)
def test_a_number_is_read_in_any_spelling(tmp_path: Path, written: str, read: str) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text(f'[chats]\nallow = ["{written}"]\n')
    assert load_settings(file, {}).chats.allow == (read,)


@pytest.mark.parametrize(
    "written",
    ["", "Ana", "+", "600111222", "34600111222", "34600111222@", "?4600111222", "😀", "+0600111222"],
)
def test_what_no_number_could_match_is_a_mistake(tmp_path: Path, written: str) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text(f'[chats]\ndeny = ["{written}"]\n')
    with pytest.raises(ConfigError, match=r"chats\.deny"):
        load_settings(file, {})


def test_an_address_of_no_database_is_told_what_one_looks_like(tmp_path: Path) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text('[database]\nurl = "mysql://root:secret@db/x"\n')
    with pytest.raises(ConfigError, match=r"allowed is sqlite:///PATH or postgresql://USER:") as raised:
        load_settings(file, {})
    assert "secret" not in str(raised.value)


EARS = '[[ai.transcribers]]\nbase_url = "http://localhost:1/v1"\n'


def test_transcribers_are_read_as_providers_are(file: Path) -> None:
    text = (
        EARS + 'model = "w"\napi_key = "env:KEY"\nlanguage = "pt"\ntimeout = "30s"\nseconds_per_day = 3600\n'
    )
    text += EARS + 'kind = "whisper.cpp"\n'
    ears = load(file, text, {"KEY": "sk-of-the-ears"}).ai.transcribers
    assert [(each.name, each.kind, each.language) for each in ears] == [
        ("w", "openai", "pt"),
        ("whisper.cpp", "whisper.cpp", "chat"),
    ]
    assert (ears[0].api_key, ears[0].timeout_seconds, ears[0].seconds_per_day) == ("sk-of-the-ears", 30, 3600)
    assert "sk-of-the-ears" not in repr(ears)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (EARS, "ai.transcribers[1].model: missing"),
        ('[[ai.transcribers]]\nmodel = "w"\n', "ai.transcribers[1].base_url: missing"),
        (EARS + 'language = "spanish"\n', "language = 'spanish': allowed is \"chat\""),
        (EARS + 'kind = "vosk"\n', "kind = 'vosk': allowed is one of"),
        (EARS + "temperature = 1\n", "ai.transcribers[1].temperature: unknown setting"),
        (2 * (EARS + 'model = "w"\nseconds_per_day = 5\n'), "name: another one is called w, too"),
        ("[ai]\ntranscribers = 5\n", "ai.transcribers: write each as [[ai.transcribers]]"),
        ("[ai]\nseconds_per_day = 5\n", "it belongs below a line [[ai.transcribers]]"),
    ],
)
def test_a_mistake_in_a_transcriber_is_named(file: Path, text: str, problem: str) -> None:
    assert any(problem in each for each in problems(file, text)), problems(file, text)
