"""What the columns of products are called, and what a row of cells comes to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wabot.brain.folding import fold
from wabot.catalogue.prices import read_price, read_stock
from wabot.catalogue.product import Product

MOST_PRODUCTS = 10_000
_LONGEST_CELL = 5_000

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


def places_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Which column holds what.

    Args:
        header: the names of the columns.
        columns: what those of "name", "price" and so on are called, where that is not the usual.
    """
    names = [re.sub(r"[\W_]", "", fold(cell)) for cell in header]
    places: dict[str, int] = {}
    for what, usual in _USUAL_NAMES.items():
        wanted = [re.sub(r"[\W_]", "", fold(columns[what]))] if what in columns else usual.split()
        place = next((names.index(name) for name in wanted if name in names), None)
        if place is not None:
            places[what] = place
    return places


def product_of(cells: Mapping[str, str], where: str, complaints: list[str]) -> Product | None:
    """The product of a row, None where it has no name; what is wrong is added to `complaints`.

    Args:
        cells: what stands in the columns.
        where: the row, for people.
        complaints: lines for the owner.
    """
    cells = {what: cell.replace("\x00", "").strip()[:_LONGEST_CELL] for what, cell in cells.items()}
    if not cells.get("name"):
        if any(cells.values()):
            complaints.append(f"{where}: has no name, and is left out")
        return None
    price = read_price(cells.get("price", ""))
    if price is None and cells.get("price"):
        complaints.append(f"{where}: {cells['price'][:20]!r} is no price; the product has none")
    links = _several(cells.get("payment", ""))
    return Product(
        cells["name"],
        cells.get("description", ""),
        price[0] if price else None,
        cells.get("currency", "") or (price[1] if price else ""),
        read_stock(cells.get("stock", "")),
        cells.get("category", ""),
        _several(cells.get("photos", "")),
        tuple(link for link in links if link.startswith(("https://", "http://"))),
        cells.get("delivery", ""),
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s;,|]+(?=https?://)|[\n;|]+", cell.strip()) if part)[:10]
