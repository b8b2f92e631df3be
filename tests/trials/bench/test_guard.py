"""The guard on the sample shop, in its three languages: the invented is held back, the honest is not."""

from __future__ import annotations

import pytest

from tests.support import SAMPLE_KNOWLEDGE
from wabot.trials.bench.guard import Case, held_back, main, shops_in


def test_nothing_that_is_invented_about_the_sample_shop_gets_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main([str(SAMPLE_KNOWLEDGE)])
    said = capsys.readouterr().out
    assert (code, said.split(",")[0].rsplit(" of ")[0]) == (0, "fabricated answers that got through 0"), said
    assert int(said.split(" of ")[1].split(",")[0]) > 200


def test_the_bench_sees_what_gets_through() -> None:
    shop = shops_in([SAMPLE_KNOWLEDGE])[0]
    thing = shop.things[0]
    assert held_back(shop, Case("wrong", "?", f"{thing.name}: 1 €")) == "amount '1 €'"
    assert held_back(shop, Case("right", "?", f"{thing.name}: {thing.written}")) == ""
