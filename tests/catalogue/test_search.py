"""The product that is asked for is found, also misspelt; and what was chosen of a list."""

from __future__ import annotations

import time

import pytest

from wabot.catalogue.choice import choice_in
from wabot.catalogue.product import Product
from wabot.catalogue.search import ProductSearch

SHOP = ProductSearch(
    [
        Product("Curso de piano para principiantes", "Aprende desde cero, en vídeo", category="Cursos"),
        Product("Curso de guitarra", category="Cursos"),
        Product("Collar de nailon rojo", category="Accesorios perro"),
        Product("Collar antiparasitario Seresto", "Contra pulgas y garrapatas", category="Accesorios perro"),
        Product("iPhone 13 128 GB", category="Móviles"),
        Product("iPhone 14 128 GB", category="Móviles"),
    ]
)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("cuánto cuesta el curzo de piyano", "Curso de piano para principiantes"),
        ("tenéis seresto?", "Collar antiparasitario Seresto"),
        ("algo contra las pulgas", "Collar antiparasitario Seresto"),
        ("un collar rojo", "Collar de nailon rojo"),
        ("iphone 14", "iPhone 14 128 GB"),
        ("que cursos tienen", "Curso de guitarra"),
        ("hola, quién es el presidente de Francia", None),
    ],
)
def test_what_a_question_means(question: str, first: str | None) -> None:
    found = SHOP.find(question)
    assert (found[0].name if found else None) == first


def test_ten_thousand_products_take_no_long_time() -> None:
    search = ProductSearch(Product(f"Taza modelo {number} flor", "de cerámica") for number in range(10_000))
    began = time.process_time()
    assert search.find("tasa modelo 4711 ceramca")[0].name == "Taza modelo 4711 flor"
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2", 1),
        ("el segundo", 1),
        ("La 3, por favor", 2),
        ("the first one please", 0),
        ("quero o último", 2),
        ("2️⃣", 1),
        ("número dos", 1),
        ("4", None),
        ("0", None),
        ("2 o 3", None),
        ("¿cuánto cuesta el segundo envío?", None),
        ("uno", 0),
        ("99999999999999999999", None),
    ],
)
def test_what_was_chosen_of_three(text: str, place: int | None) -> None:
    assert choice_in(text, 3) == place
