"""Chooses from a dump of PostgreSQL's what is wabot's own.

A table of another role's, whatever it is called, may have an index or a rule on a function of that role's,
which would run as wabot's role and read all that this may read.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_ENTRY = re.compile(r"(\d+); \d+ \d+ (.*)")
_DEPENDENCIES = re.compile(r";\s+depends on:((?: \d+)+)\s*")


def own_entries(listed: str, schema: str, tables: Collection[str], owners_table: str) -> str:
    """The part of a dump's table of contents that belongs to tables of one owner.

    Args:
        listed: what `pg_restore --list --verbose` printed.
        schema: where the tables are.
        tables: what they are called.
        owners_table: the one whose owner is theirs.

    Returns:
        What `pg_restore --use-list` takes.
    """
    entries: dict[str, str] = {}
    needed: dict[str, set[str]] = {}
    number = ""
    for line in listed.splitlines():
        if entry := _ENTRY.fullmatch(line):
            number = entry[1]
            entries[number], needed[number] = entry[2], set()
        elif number and (dependencies := _DEPENDENCIES.fullmatch(line)):
            needed[number] = set(dependencies[1].split())
    head = f"TABLE {schema} {owners_table} "
    owners = {entry.removeprefix(head) for entry in entries.values() if entry.startswith(head)}
    wanted = {f"TABLE {schema} {name} {owner}" for name in tables for owner in owners}
    kept = {number for number, entry in entries.items() if entry in wanted}
    # What depends on them, and on what depends on them, and on nothing else.
    while True:
        more = {
            number
            for number in entries.keys() - kept
            if (needs := needed[number] & entries.keys()) and needs <= kept
        }
        if not more:
            return "".join(f"{number}; 0 0 {entries[number]}\n" for number in entries if number in kept)
        kept |= more
