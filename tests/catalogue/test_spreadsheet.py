"""Products are read from what spreadsheets write, and what is wrong there is said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.catalogue.columns import MOST_PRODUCTS
from wabot.catalogue.prices import read_price, read_stock
from wabot.catalogue.spreadsheet import read_sheet


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_separator_and_encoding_of_a_spreadsheet(separator: str, encoding: str) -> None:
    lines = (
        ("Categoría", "Producto", "Precio", "Existencias", "Descripción"),
        ("Té", '"Té ""Matcha"""', '"1.018,90 €"', "3", '"En lata' + "\r\n" + 'de 30 g"'),
    )
    sheet = read_sheet("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    assert sheet.complaints == ()
    (tea,) = sheet.products
    assert (tea.name, tea.category, tea.price, tea.currency, tea.stock) == (
        'Té "Matcha"',
        "Té",
        Decimal("1018.90"),
        "EUR",
        3,
    )
    assert tea.card("es") == '*Té "Matcha"*: 1.018,90 €\nQuedan 3.\nEn lata de 30 g'


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("12,50", ("12.50", "")),
        ("12.5 €", ("12.5", "EUR")),
        ("R$ 1.200,00", ("1200.00", "BRL")),
        ("$1,200.50", ("1200.50", "$")),
        ("45.000", ("45000", "")),
        ("0,125", ("0.125", "")),
        ("1 299,00 EUR", ("1299.00", "EUR")),
        ("12'50", ("1250", "")),
        ("a consultar", None),
        ("€12€", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_prices_as_people_type_them(cell: str, price: tuple[str, str] | None) -> None:
    assert read_price(cell) == (price and (Decimal(price[0]), price[1]))


def test_stock_as_people_type_it() -> None:
    cells = ("4", "0", "-1", "3,0", "Agotado", "", "sí", "1e9")
    assert [read_stock(cell) for cell in cells] == [4, 0, 0, 3, 0, None, None, None]


def test_what_is_wrong_is_said_with_its_row_and_the_rest_is_read() -> None:
    sheet = read_sheet(b"nombre;precio;link\nA;doce;javascript:x\n;5;\n;;\nB;5;https://pay.example/b")
    assert [(each.name, each.price, each.payment_links) for each in sheet.products] == [
        ("A", None, ()),
        ("B", Decimal(5), ("https://pay.example/b",)),
    ]
    assert sheet.complaints == (
        "row 2: 'doce' is no price; the product has none",
        "row 3: has no name, and is left out",
    )
    assert "name" in read_sheet(b"x;y\n1;2").complaints[0]
    many = read_sheet(b"name\n" + b"a\n" * (MOST_PRODUCTS + 5))
    assert (len(many.products), len(many.complaints)) == (MOST_PRODUCTS, 1)


def test_columns_may_be_called_otherwise_and_delivery_is_for_who_paid() -> None:
    sheet = read_sheet(
        b"Denominacion,Tarifa,entrega\nCurso,20,https://drive.example/x",
        {"name": "denominación", "price": "tarifa"},
    )
    (course,) = sheet.products
    assert (course.name, course.price, course.delivery_link) == ("Curso", 20, "https://drive.example/x")
    assert "drive" not in course.card("es") + repr(course)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_hostile_bytes_end_in_a_sheet(data: bytes) -> None:
    for each in read_sheet(b"name;price;stock\n" + data).products:
        each.card("pt")
