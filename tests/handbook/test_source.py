"""The map of the source names nothing that is not there, and leaves no package out."""

from __future__ import annotations

import configparser
import re

from tests.support import REPOSITORY
from tests.support.handbook import HANDBOOK, section_of

PROGRAM = REPOSITORY / "wabot"
MAP = HANDBOOK["source"]


def layers() -> list[str]:
    contracts = configparser.ConfigParser()
    contracts.read(REPOSITORY / "setup.cfg")
    return re.findall(r"\w+", contracts["importlinter:contract:direction"]["layers"])


def test_the_packages_stand_in_the_order_that_the_linter_keeps() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section_of(MAP, "The packages in their order"), re.MULTILINE)
    assert rows == layers()


def test_beside_them_are_those_that_are_named() -> None:
    packages = {path.parent.name for path in PROGRAM.glob("*/__init__.py")}
    beside = packages - set(layers())
    section = section_of(MAP, "The packages in their order")
    assert beside == {"emulator", "trials", "handbook"} and all(f"`{name}`" in section for name in beside)


def test_every_place_it_names_is_there() -> None:
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+)`", MAP))
    assert len(named) > 40
    for place in named:
        assert (PROGRAM / f"{place}.py").is_file() or (PROGRAM / place).is_dir() or is_elsewhere(place), place


def is_elsewhere(place: str) -> bool:
    return place.startswith(("tests/", "scripts/")) and (REPOSITORY / place).exists()


def test_every_name_it_shows_is_somewhere_in_the_program() -> None:
    source = "\n".join(path.read_text() for path in PROGRAM.rglob("*.py"))
    for name in set(re.findall(r"`([A-Z][A-Za-z_]+)`", MAP)):
        assert re.search(rf"\b{name}\b", source), name


def test_reading_begins_where_the_package_itself_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| `(\w+)/(\w+)` \|$", MAP, re.MULTILINE)
    assert len(rows) > 15
    for package, folder, module in rows:
        assert package == folder
        face = (PROGRAM / package / "__init__.py").read_text()
        said = re.search(r"^    (\w+) .*;\s+begin reading here|Begin reading in (\w+)", face, re.MULTILINE)
        assert said is None or module in said.groups(), package
