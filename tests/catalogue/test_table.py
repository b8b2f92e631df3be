"""Products are read from a table that an application made, as it is there, and only read."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import psycopg2
import pytest

from wabot.catalogue.table import read_table

pytestmark = pytest.mark.postgresql
PRODUCTS = """
CREATE TABLE "products" (
    "id" TEXT PRIMARY KEY, "userId" TEXT NOT NULL, "name" TEXT NOT NULL, "description" TEXT,
    "price" NUMERIC(12,3), "currency" TEXT DEFAULT 'COP', "stock" INTEGER, "category" TEXT, "images" TEXT,
    "isActive" BOOLEAN DEFAULT true,
    "paymentLinkMercadoPago" TEXT, "paymentLinkPayPal" TEXT, "deliveryLink" TEXT
);
INSERT INTO "products" VALUES
    ('1', 'shop', 'Curso de piano', 'Desde cero', 45000.5, 'COP', 3, 'Cursos',
     '["https://x.example/a.jpg", "b.png"]', true, 'https://mp.example/1', NULL, 'https://drive.example/1'),
    ('2', 'shop', 'Viejo', NULL, 1, 'COP', 0, NULL, NULL, false, NULL, NULL, NULL),
    ('3', 'other', 'De otra tienda', NULL, 1, 'COP', 0, NULL, NULL, true, NULL, NULL, NULL);
CREATE TABLE "odd table" ("Der ""Name" TEXT, "Preis" DOUBLE PRECISION);
INSERT INTO "odd table" VALUES ('A', 12.5), (NULL, 3), ('B', NULL);
"""


def test_a_table_is_read_as_it_is(postgresql_url: str) -> None:
    with closing(psycopg2.connect(postgresql_url)) as connection:
        connection.cursor().execute(PRODUCTS)
        connection.commit()
    (course,), complaints = read_table(postgresql_url, user_id="shop")
    assert complaints == ()
    assert (course.name, course.price, course.stock, course.photos) == (
        "Curso de piano",
        Decimal("45000.50"),
        3,
        ("https://x.example/a.jpg", "b.png"),
    )
    assert course.payment_links == ("https://mp.example/1",)
    assert course.card("es").splitlines()[0] == "*Curso de piano*: 45.000,50 COP"
    assert len(read_table(postgresql_url)[0]) == 2
    odd, complaints = read_table(postgresql_url, "odd table", {"name": 'Der "Name', "price": "preis"})
    assert [(each.name, each.price) for each in odd] == [("A", Decimal("12.50")), ("B", None)]
    assert complaints == ("table odd table, row 2: has no name, and is left out",)
    with pytest.raises(LookupError, match="no column with the products' names"):
        read_table(postgresql_url, "odd table")
    with pytest.raises(LookupError, match="no table nothing"):
        read_table(postgresql_url, "nothing")
