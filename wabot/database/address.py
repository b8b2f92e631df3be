"""Takes the address of a database apart, for its libraries and for people."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

_PRISMA_PARAMETERS = frozenset(
    (
        "schema",
        "connection_limit",
        "pool_timeout",
        "socket_timeout",
        "pgbouncer",
        "statement_cache_size",
        "sslaccept",
        "sslidentity",
        "single_use_connections",
    )
)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database, None for any other.

    Args:
        url: three slashes and a relative path, or four and an absolute one, as such addresses usually go.
    """
    if not url.startswith("sqlite:"):
        return None
    return Path(url.removeprefix("sqlite:").removeprefix("///") or "wabot.db")


def same_database(one: str, other: str) -> bool:
    """Whether two addresses lead to the same database, as far as they tell."""
    file, other_file = sqlite_file(one), sqlite_file(other)
    if file is None or other_file is None:
        return one == other
    return file.resolve() == other_file.resolve()


def public_url(url: str) -> str:
    """The address without its password, for people and logs; nothing of what is no address at all."""
    if "://" not in url and not url.startswith("sqlite:"):
        return "***"
    # By its looks: an address with a slip in it cannot be taken apart, and has a password all the same.
    url = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&]\w*password=)[^&]*", r"\1***", url)


def postgresql_address(url: str) -> tuple[str, str]:
    """The address as PostgreSQL's own library takes it, and the schema that was named in it, quoted, or "".

    Prisma's addresses end in `?schema=public` and the like, which that library refuses as invalid options.

    Raises:
        ValueError: it is no address of a PostgreSQL.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(parts.scheme)
    parameters = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    schema = next((value for name, value in parameters if name == "schema"), "")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", schema):
        raise ValueError(schema)
    kept = [(name, value) for name, value in parameters if name not in _PRISMA_PARAMETERS]
    address = parts._replace(query=urllib.parse.urlencode(kept, quote_via=urllib.parse.quote))
    # Quoted, because an unquoted name would be folded to lower case.
    return address.geturl(), f'"{schema}"' if schema else ""
