"""When a chat speaks of paying."""

from __future__ import annotations

import pytest

from wabot.brain.payment import speaks_of_payment

_DOES = """
Ya pagué|te transferí ayer|TRANSFERENCIA hecha|adjunto comprobante|hice el depósito|listo el bizum|por Yape
I paid|payment sent|here is the receipt|bank transfer done|see the proof of payment|Invoice_12.pdf
já paguei|segue o comprovante|fiz o pix|pagamento feito|fiz a transferência|recibo_2026.pdf
"""
_DOES_NOT = "|¿tienen macetas?|una página|un pagano|spa y pesto|payaso|despago|repayable"


@pytest.mark.parametrize("text", _DOES.strip().replace("\n", "|").split("|"))
def test_it_does(text: str) -> None:
    assert speaks_of_payment(text)


@pytest.mark.parametrize("text", _DOES_NOT.split("|"))
def test_it_does_not(text: str) -> None:
    assert not speaks_of_payment(text)
