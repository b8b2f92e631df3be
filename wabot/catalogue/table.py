"""Reads products from a table of the application's PostgreSQL, and changes nothing there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg2
from psycopg2 import sql

from wabot.brain.folding import fold
from wabot.catalogue.columns import MOST_PRODUCTS, places_of, product_of
from wabot.catalogue.product import Product

_CONNECT_SECONDS, _STATEMENT_MILLISECONDS = 5, 5000
_OPTIONS = f"-c default_transaction_read_only=on -c statement_timeout={_STATEMENT_MILLISECONDS}"
# Of several shops in one table only this one's; of what is listed no more only what is.
_OF_USER, _ACTIVE = "userid", ("isactive", "active", "activo")


def read_table(
    url: str, table: str = "products", columns: Mapping[str, str] | None = None, user_id: str = ""
) -> tuple[tuple[Product, ...], tuple[str, ...]]:
    """The products of a table, and lines for the owner: what is wrong where.

    Args:
        url: of the database; a role that may only read is enough.
        table: its name, as it is written in the database.
        columns: what those of "name", "price" and so on are called, where that is not the usual.
        user_id: whose products, where the table says whose they are; "" for all.

    Raises:
        psycopg2.Error: the database is away, or refuses.
        LookupError: there is no such table, or no column with names. The message is for people.
    """
    with closing(psycopg2.connect(url, connect_timeout=_CONNECT_SECONDS, options=_OPTIONS)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ANY (current_schemas(false)) AND table_name = %s ORDER BY ordinal_position",
            (table,),
        )
        kinds: dict[str, str] = dict(cursor.fetchall())
        if not kinds:
            raise LookupError(f"there is no table {table} in the database, or this role may not read it")
        names = list(kinds)
        places = places_of(names, columns or {})
        if "name" not in places:
            raise LookupError(f"table {table} has no column with the products' names: say which it is")
        plain = {re.sub(r"[\W_]", "", fold(name)): name for name in names}
        payment = [name for key, name in plain.items() if key.startswith("paymentlink")]
        conditions, values = _conditions(plain, kinds, user_id)
        cursor.execute(
            sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)),
                sql.Identifier(table),
                sql.SQL(" AND ").join([sql.SQL("true"), *conditions]),
                sql.Literal(MOST_PRODUCTS + 1),
            ),
            values,
        )
        rows = cursor.fetchall()
    complaints: list[str] = []
    if len(rows) > MOST_PRODUCTS:
        complaints.append(f"table {table}: more than {MOST_PRODUCTS} products; the rest is left out")
    products = []
    for number, row in enumerate(rows[:MOST_PRODUCTS], start=1):
        cells = {what: _cell(row[place]) for what, place in places.items()}
        if payment and "payment" not in (columns or {}):
            cells["payment"] = "\n".join(_cell(row[names.index(name)]) for name in payment)
        if product := product_of(cells, f"table {table}, row {number}", complaints):
            products.append(product)
    return tuple(products), tuple(complaints)


def _conditions(
    plain: Mapping[str, str], kinds: Mapping[str, str], user_id: str
) -> tuple[list[sql.Composable], list[str]]:
    """Which rows are wanted, and the values for that."""
    conditions: list[sql.Composable] = []
    if user_id and _OF_USER in plain:
        conditions.append(sql.SQL("{}::text = %s").format(sql.Identifier(plain[_OF_USER])))
    values = [user_id] if conditions else []
    for key in _ACTIVE:
        if key in plain and kinds[plain[key]] == "boolean":
            conditions.append(sql.SQL("{} IS NOT FALSE").format(sql.Identifier(plain[key])))
    return conditions, values


def _cell(value: Any) -> str:
    """What a column holds, as it would stand in a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "" if value else "0"
    if isinstance(value, (Decimal, float)):
        # Always with two decimals: three would be read as thousands.
        return f"{value:.2f}"
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    if isinstance(value, list):
        return "\n".join(str(each) for each in value if isinstance(each, str))
    return str(value)
