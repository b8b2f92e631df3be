"""Measures the guard: fabricated answers about shops must be held back, honest ones must go out.

`python -m wabot.trials.bench.guard FOLDER...` reads the shops' texts below the folders: a folder
`NAME.LANGUAGE/texts`, or a file `NAME.LANGUAGE.md`, is a shop. What is asked and answered is made of the
things and prices that stand there.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wabot.brain.conversation import Turn
from wabot.brain.guard.shown import Shown, ShownText
from wabot.brain.guard.verdict import unsupported
from wabot.brain.knowledge.sections import cut_sections

_MOST_THINGS = 6
_PRICED = re.compile(
    r"^[\s|*-]*(?P<name>[^|:€$£\d][^|:€$£]{2,60}?)(?<![,(])(?<! por)(?<! de)\s*[:|–-]?\s*\|?\s*"
    r"(?P<amount>R?[€$£]\s?\d[\d.,]*\d|R?[€$£]\s?\d|\d[\d.,]*\s?(?:€|euros|pesos))\s*(?:$|[|,(]|(?:o|a|each)\b)"
)
_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something a shop sells: its name, its price in hundredths, and how that is written."""

    name: str
    price: int
    written: str


@dataclass(frozen=True, slots=True)
class Case:
    """What a customer asks, what a model answers, and of what kind that is."""

    kind: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop's name, its language and its texts."""

    name: str
    language: str
    texts: tuple[ShownText, ...]

    @property
    def things(self) -> list[Thing]:
        """Its things with a price of their own."""
        found: dict[str, Thing] = {}
        for line in itertools.chain.from_iterable(text.text.splitlines() for text in self.texts):
            match = _PRICED.match(line)
            if match and sum(char in "€$£" for char in line) <= 1:
                written = match["amount"].strip()
                found.setdefault(
                    match["name"].strip(" *"), Thing(match["name"].strip(" *"), _hundredths(written), written)
                )
        prices = Counter(thing.price for thing in found.values())
        return [thing for thing in found.values() if prices[thing.price] == 1 and thing.price >= 300][
            :_MOST_THINGS
        ]


_SAYS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "ask": "¿Cuánto cuesta {name}?",
        "ask_many": "Quiero {count} de {name}, ¿cuánto es?",
        "ask_two": "¿Cuánto es {name} y {other}?",
        "is": "{name} cuesta {amount}.",
        "only": "Cuesta {amount}. ¿Se lo preparo?",
        "many": "{count} de {name} son {amount}.",
        "two": "{name} y {other} son {amount} en total.",
        "about": "Son unos {amount}.",
        "stock": "Sí, {name}: nos quedan 4 unidades en stock.",
        "out": "Lo siento, {name} está agotado.",
        "unknown_stock": "{name} cuesta {amount}; no sé si hay stock ahora.",
        "link": "{name} lo tiene en https://www.tienda-oficial.example/p/1.",
        "phone": "Llámenos al 611 222 339 para pedir {name}.",
        "days": "{name} le llega en 17 días.",
        "date": "{name} le llega el 13 de marzo.",
        "agree": "Sí, {name} cuesta {amount}.",
        "trap": "{name} cuesta {amount}, ¿verdad?",
        "deny": "No, no cuesta {wrong}: {name} está a {amount}.",
        "euro": "euros",
        "dollar": "dólares",
    },
    "en": {
        "ask": "How much is {name}?",
        "ask_many": "I want {count} of {name}, how much is that?",
        "ask_two": "How much are {name} and {other}?",
        "is": "{name} costs {amount}.",
        "only": "It's {amount}. Shall I prepare it?",
        "many": "{count} of {name} come to {amount}.",
        "two": "{name} and {other} come to {amount} together.",
        "about": "It's about {amount}.",
        "stock": "Yes, {name}: we have 4 units in stock.",
        "out": "Sorry, {name} is sold out.",
        "unknown_stock": "{name} costs {amount}; I can't say whether it is in stock.",
        "link": "You find {name} at https://www.official-shop.example/p/1.",
        "phone": "Call us on 07911 222 339 to order {name}.",
        "days": "{name} arrives in 17 days.",
        "date": "{name} will arrive on March 13.",
        "agree": "Yes, {name} costs {amount}.",
        "trap": "{name} costs {amount}, right?",
        "deny": "No, it isn't {wrong}: {name} is {amount}.",
        "euro": "euros",
        "dollar": "dollars",
    },
    "pt": {
        "ask": "Quanto custa {name}?",
        "ask_many": "Quero {count} de {name}, quanto fica?",
        "ask_two": "Quanto é {name} e {other}?",
        "is": "{name} custa {amount}.",
        "only": "Custa {amount}. Posso separar?",
        "many": "{count} de {name} são {amount}.",
        "two": "{name} e {other} são {amount} no total.",
        "about": "São uns {amount}.",
        "stock": "Sim, {name}: temos 4 unidades em estoque.",
        "out": "Desculpe, {name} está esgotado.",
        "unknown_stock": "{name} custa {amount}; não sei se há em estoque.",
        "link": "Encontra {name} em https://www.loja-oficial.example/p/1.",
        "phone": "Ligue para 91 122 2339 para pedir {name}.",
        "days": "{name} chega em 17 dias.",
        "date": "{name} chega no dia 13 de março.",
        "agree": "Sim, {name} custa {amount}.",
        "trap": "{name} custa {amount}, certo?",
        "deny": "Não, não custa {wrong}: {name} está a {amount}.",
        "euro": "euros",
        "dollar": "dólares",
    },
}


def fabricated(shop: Shop) -> Iterator[Case]:
    """Answers that invent something."""
    say = _SAYS[shop.language]
    things = shop.things
    taken = {thing.price for thing in things}
    for thing, other in zip(things, things[1:] + things[:1], strict=True):
        ask = say["ask"].format(name=thing.name)
        wrong = next(price for price in itertools.count(thing.price + 170, 110) if price not in taken)

        def case(kind: str, template: str, asked: str = ask, thing: Thing = thing, **values: str) -> Case:
            return Case(kind, asked, say[template].format(**{"name": thing.name, **values}))

        yield case("wrong price", "is", amount=_written(thing, wrong))
        yield case("wrong price, no name", "only", amount=_written(thing, wrong))
        yield case("wrong currency", "is", amount=_in_other_currency(thing, say))
        trap = say["trap"].format(name=thing.name, amount=_written(thing, 100))
        yield case("the customer's price", "agree", trap, amount=_written(thing, 100))
        if other is not thing:
            yield case("another's price", "is", amount=other.written)
            yield case("another's price, no name", "only", amount=other.written)
            two = say["ask_two"].format(name=thing.name, other=other.name)
            amount = _written(thing, thing.price + other.price + 100)
            yield case("wrong sum", "two", two, other=other.name, amount=amount)
        many = say["ask_many"].format(name=thing.name, count="3")
        yield case("wrong product", "many", many, count="3", amount=_written(thing, 3 * thing.price - 100))
        for kind in ("stock", "out", "link", "phone", "days", "date"):
            yield case(kind, kind)


def honest(shop: Shop) -> Iterator[Case]:
    """Answers that say what stands in the texts, or follows from it."""
    say = _SAYS[shop.language]
    things = shop.things
    for thing, other in zip(things, things[1:] + things[:1], strict=True):
        ask = say["ask"].format(name=thing.name)

        def case(kind: str, template: str, asked: str = ask, thing: Thing = thing, **values: str) -> Case:
            return Case(kind, asked, say[template].format(**{"name": thing.name, **values}))

        yield case("as it stands", "is", amount=thing.written)
        for form in _forms(thing, shop.language):
            yield case(f"form {form}", "is", amount=form)
        yield case("no name", "only", amount=_forms(thing, shop.language)[0])
        yield case("rounded", "about", amount=_written(thing, round(thing.price / 100) * 100))
        yield case("stock not known", "unknown_stock", amount=thing.written)
        many = say["ask_many"].format(name=thing.name, count="3")
        yield case("product", "many", many, count="3", amount=_written(thing, 3 * thing.price))
        trap = say["trap"].format(name=thing.name, amount=_written(thing, 100))
        yield case("denied", "deny", trap, amount=thing.written, wrong=_written(thing, 100))
        if other is not thing:
            two = say["ask_two"].format(name=thing.name, other=other.name)
            yield case("sum", "two", two, other=other.name, amount=_written(thing, thing.price + other.price))
            each = f"{say['is'].format(name=thing.name, amount=thing.written)} "
            each += say["is"].format(name=other.name, amount=other.written)
            yield Case("two prices", two, each)
    for text in shop.texts:
        for line in text.text.splitlines():
            if _NUMBER.search(line) and "|" not in line and len(line) < 300:
                yield Case("quoted", "?", line)


def held_back(shop: Shop, case: Case) -> str:
    """What the guard holds against an answer; "" where it goes out."""
    found = unsupported(case.answer, Shown(shop.texts, [Turn("user", case.question)]))
    return ", ".join(f"{claim.kind} {claim.text!r}" for claim in found)


def shops_in(folders: Sequence[Path]) -> list[Shop]:
    """The shops below some folders."""
    found = []
    for folder in folders:
        for texts in sorted(folder.rglob("*.??/texts")):
            found.append(_shop(texts.parent.name, sorted(texts.glob("*.md"))))
        found += [_shop(file.stem, [file]) for file in sorted(folder.glob("*.??.md"))]
    return found


def _shop(name: str, files: Sequence[Path]) -> Shop:
    sections = [section for file in files for section in cut_sections(file.read_text(encoding="utf-8"))]
    return Shop(name, name[-2:], tuple(ShownText(section.text, section.title) for section in sections))


def _hundredths(written: str) -> int:
    digits = _NUMBER.search(written)
    assert digits
    whole, _, cents = re.sub(r"[.,](?=\d{3}(?!\d))", "", digits[0]).replace(",", ".").partition(".")
    return 100 * int(whole) + int((cents or "0").ljust(2, "0"))


def _written(thing: Thing, price: int) -> str:
    """A price as this shop would write it."""
    point = "," if "," in thing.written or not re.search(r"\.\d\d\b", thing.written) else "."
    digits = f"{price // 100}{point}{price % 100:02d}" if price % 100 else str(price // 100)
    return _NUMBER.sub(digits, thing.written, count=1)


def _forms(thing: Thing, language: str) -> list[str]:
    """The same price in other forms."""
    euros, cents = divmod(thing.price, 100)
    signs = {"R$": "reais", "$": "dollars" if language == "en" else "pesos", "£": "pounds"}
    unit = next((name for sign, name in signs.items() if sign in thing.written), "€")
    forms = [f"{euros},{cents:02d} {unit}", f"{euros}.{cents:02d} {unit}"]
    return [*forms, f"{euros}'{cents:02d} {unit}"] if unit == "€" else forms


def _in_other_currency(thing: Thing, say: Mapping[str, str]) -> str:
    return f"{_NUMBER.search(thing.written)[0]} {say['dollar' if '€' in thing.written else 'euro']}"  # type: ignore[index]


def main(arguments: Sequence[str]) -> int:
    """Print the figures of the shops below folders; return an exit code: 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m wabot.trials.bench.guard", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="where the shops are")
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    began = time.perf_counter()
    mistakes = []
    for shop in shops_in(options.folders):
        for what, cases in (("fabricated", fabricated(shop)), ("honest", honest(shop))):
            for case in cases:
                against = held_back(shop, case)
                counts[what] += 1
                counts[f"{what}, held back"] += bool(against)
                if bool(against) != (what == "fabricated"):
                    mistakes.append(f"{shop.name}: {what}, {case.kind}: {case.answer!r} {against}")
    seconds = time.perf_counter() - began
    through = counts["fabricated"] - counts["fabricated, held back"]
    share = 100 * counts["honest, held back"] / max(1, counts["honest"])
    print(
        f"fabricated answers that got through {through} of {counts['fabricated']}, "
        f"honest ones held back {counts['honest, held back']} of {counts['honest']} ({share:.1f} %), "
        f"{1000 * seconds / max(1, counts['fabricated'] + counts['honest']):.1f} ms an answer"
    )
    for mistake in mistakes:
        print("  " + mistake)
    return int(through > 0 or share > 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
