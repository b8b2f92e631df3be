"""Reads products from a CSV as spreadsheets write it: separators, decimal commas, encodings. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wabot.catalogue.columns import MOST_PRODUCTS, places_of, product_of
from wabot.catalogue.product import Product

_MOST_COMPLAINTS = 20
_SEPARATORS = ";,\t|"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read; `complaints` are lines for the owner: what is wrong where, and is left out."""

    products: tuple[Product, ...]
    complaints: tuple[str, ...]


def read_sheet(data: bytes, columns: Mapping[str, str] | None = None) -> Sheet:
    """Read a CSV whose first line names its columns.

    Args:
        data: the file.
        columns: what those of "name", "price" and so on are called, where that is not the usual.
    """
    text = _decoded(data)
    header, _, _ = text.partition("\n")
    separator = max(_SEPARATORS, key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    complaints: list[str] = []
    products: list[Product] = []
    try:
        places = places_of(next(rows, []), columns or {})
        if "name" not in places:
            return Sheet(
                (), ("line 1: no column is called name, nombre, producto or nome: name it in the first line",)
            )
        for product in _products(rows, places, complaints):
            if len(products) == MOST_PRODUCTS:
                complaints.append(
                    f"line {rows.line_num}: more than {MOST_PRODUCTS} products; the rest is left out"
                )
                break
            products.append(product)
    except csv.Error as error:
        complaints.append(f"line {rows.line_num}: {error}; it and what follows is left out")
    return Sheet(tuple(products), tuple(complaints[:_MOST_COMPLAINTS]))


def _products(
    rows: Iterator[list[str]], places: Mapping[str, int], complaints: list[str]
) -> Iterator[Product]:
    for number, row in enumerate(rows, start=2):
        cells = {what: row[place] for what, place in places.items() if place < len(row)}
        if product := product_of(cells, f"row {number}", complaints):
            yield product


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
