"""Reads products from a CSV as spreadsheets write it: separators, decimal commas, encodings. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wabot.brain.folding import fold
from wabot.catalogue.prices import read_price, read_stock
from wabot.catalogue.product import Product

MOST_PRODUCTS = 10_000
_MOST_COMPLAINTS = 20
_LONGEST_CELL = 5_000
_SEPARATORS = ";,\t|"

# What columns are called, where the configuration does not say; compared folded.
_USUAL_NAMES = {
    "name": "name nombre producto product nome titulo title articulo artigo modelo",
    "description": "description descripcion descricao detalle details detalhes",
    "price": "price precio preco pvp importe valor",
    "currency": "currency moneda divisa moeda",
    "stock": "stock existencias existencia estoque cantidad quantity quantidade unidades",
    "category": "category categoria familia tipo type seccion",
    "photos": "photos photo images image fotos foto imagenes imagen imagens imagem",
    "payment": "paymentlink payment pago pagamento link enlace url",
    "delivery": "deliverylink delivery entrega descarga download",
}


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
        places = _places(next(rows, []), columns or {})
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
        cells = {
            what: row[place].replace("\x00", "").strip()[:_LONGEST_CELL] if place < len(row) else ""
            for what, place in places.items()
        }
        if not any(cells.values()):
            continue
        if not cells["name"]:
            complaints.append(f"row {number}: has no name, and is left out")
            continue
        price = read_price(cells.get("price", ""))
        if price is None and cells.get("price"):
            complaints.append(f"row {number}: {cells['price'][:20]!r} is no price; the product has none")
        yield Product(
            cells["name"],
            cells.get("description", ""),
            price[0] if price else None,
            cells.get("currency", "") or (price[1] if price else ""),
            read_stock(cells.get("stock", "")),
            cells.get("category", ""),
            _several(cells.get("photos", "")),
            tuple(
                link
                for link in _several(cells.get("payment", ""))
                if link.startswith(("https://", "http://"))
            ),
            cells.get("delivery", ""),
        )


def _places(header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Which column holds what."""
    names = [re.sub(r"[\W_]", "", fold(cell)) for cell in header]
    places: dict[str, int] = {}
    for what, usual in _USUAL_NAMES.items():
        wanted = [re.sub(r"[\W_]", "", fold(columns[what]))] if what in columns else usual.split()
        place = next((names.index(name) for name in wanted if name in names), None)
        if place is not None:
            places[what] = place
    return places


def _several(cell: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s;,|]+(?=https?://)|[\n;|]+", cell.strip()) if part)[:10]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
