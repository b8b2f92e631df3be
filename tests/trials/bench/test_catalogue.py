"""The bench of the catalogue asks what customers may ask, and the search finds what is meant."""

from __future__ import annotations

import random

import pytest

from wabot.catalogue.search import ProductSearch
from wabot.trials.bench.catalogue import main, products, questions


def test_the_right_product_is_found_first(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    said = capsys.readouterr().out
    assert int(said.split(" of ")[0].rsplit(maxsplit=1)[1]) >= 190, said


def test_another_product_is_no_right_one() -> None:
    shop = products(20)
    wrong = ProductSearch(shop[:10])
    asked = list(questions(shop[10:], 10, random.Random(1)))
    assert not [question for _, question, product in asked if product in wrong.find(question, 1)]
