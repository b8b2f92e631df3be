"""Measures the search for products: 200 questions over 100 products, and how long one takes over 10,000.

The questions are made of the products: as they are called, without accents and misspelt, each in what a
customer writes around it.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from wabot.brain.folding import fold
from wabot.catalogue.product import Product
from wabot.catalogue.search import ProductSearch

_THINGS = (
    ("Cursos", ("Curso de piano", "Curso de guitarra", "Curso de inglés", "Curso de fotografía")),
    ("Libros", ("Novela histórica", "Cuento infantil", "Diccionario escolar", "Recetario vegano")),
    ("Jardín", ("Maceta cerámica", "Regadera metálica", "Manguera extensible", "Tijeras de podar")),
    ("Móviles", ("Funda antigolpes", "Cargador inalámbrico", "Auriculares deportivos", "Soporte magnético")),
    ("Hogar", ("Lámpara nórdica", "Alfombra trenzada", "Cojín bordado", "Espejo redondo")),
)
_KINDS = ("grande", "pequeño", "azul", "marrón", "de regalo")
_SENTENCES = ("cuánto cuesta {}?", "hola, tenéis {}", "quiero {} por favor", "busco {}", "me interesa {}")
_QUESTIONS, _MANY = 200, 10_000


def products(count: int) -> list[Product]:
    """So many products, no two called the same."""
    kinds = itertools.chain(_KINDS, (f"modelo {number}" for number in itertools.count(1)))
    names = ((category, thing, kind) for kind in kinds for category, things in _THINGS for thing in things)
    return [
        Product(f"{thing} {kind}", f"{thing} para cualquier ocasión", Decimal(number), "EUR", 3, category)
        for number, (category, thing, kind) in enumerate(itertools.islice(names, count), start=5)
    ]


def questions(
    shop: Sequence[Product], count: int, chance: random.Random
) -> Iterator[tuple[str, str, Product]]:
    """Of what kind a question is, the question, and the product that is meant."""
    for number in range(count):
        product = shop[number % len(shop)]
        kind = ("name", "misspelt", "no accents", "misspelt twice")[
            number % 4 if number < len(shop) else (number + 1) % 4
        ]
        name = fold(product.name) if kind != "name" else product.name
        for _ in range({"misspelt": 1, "misspelt twice": 2}.get(kind, 0)):
            name = _misspelt(name, chance)
        yield kind, chance.choice(_SENTENCES).format(name), product


def _misspelt(name: str, chance: random.Random) -> str:
    """A name with a letter of its longer words left out, doubled, or in the place of its neighbour."""
    words = name.split()
    place = chance.choice([number for number, word in enumerate(words) if len(word) >= 5])
    word = words[place]
    at = chance.randrange(1, len(word) - 1)
    words[place] = chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return " ".join(words)


def main(arguments: Sequence[str]) -> int:
    """Print the figures; return an exit code: 1 where a goal is missed."""
    chance = random.Random(11)
    shop = products(100)
    search = ProductSearch(shop)
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    mistakes = []
    for kind, question, product in questions(shop, _QUESTIONS, chance):
        found = search.find(question)
        asked[kind] += 1
        if found and found[0].name == product.name and found[0].price == product.price:
            right[kind] += 1
        else:
            mistakes.append(f"{kind}: {question!r} found {found[0].name if found else 'nothing'!r}")
    many = products(_MANY)
    began = time.perf_counter()
    search = ProductSearch(many)
    read_seconds = time.perf_counter() - began
    durations = []
    for _, question, _ in questions(chance.sample(many, _QUESTIONS), _QUESTIONS, chance):
        began = time.perf_counter()
        search.find(question)
        durations.append(1000 * (time.perf_counter() - began))
    p95 = sorted(durations)[int(0.95 * len(durations))]
    share = 100 * right.total() / asked.total()
    kinds = ", ".join(f"{kind} {right[kind]}/{asked[kind]}" for kind in asked)
    print(f"right product first {right.total()} of {asked.total()} ({share:.0f} %): {kinds}")
    print(f"{_MANY} products: read in {read_seconds:.1f} s, p95 of a search {p95:.1f} ms")
    for mistake in mistakes:
        print("  " + mistake)
    return int(share < 95 or p95 >= 50)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
