"""One product, and the card that a customer reads. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

_TEXTS = {
    "es": {"in stock": "En stock.", "left": "Quedan {stock}.", "none": "Agotado.", "pay": "Pagar: {link}"},
    "en": {"in stock": "In stock.", "left": "{stock} left.", "none": "Sold out.", "pay": "Pay: {link}"},
    "pt": {"in stock": "Em estoque.", "left": "Restam {stock}.", "none": "Esgotado.", "pay": "Pagar: {link}"},
}
# So many and fewer are said as a number: it helps to decide.
_FEW = 5
_SIGNS = {"EUR": "€", "GBP": "£", "USD": "US$", "BRL": "R$"}
_LONGEST_DESCRIPTION = 300


@dataclass(frozen=True, slots=True)
class Product:
    """What a shop sells; what a row does not say is empty, or None.

    Attributes:
        name: as it is sold.
        description: in a few sentences.
        price: what it costs; None when that is not known, which is never 0.
        currency: a code as "EUR", or a sign as "$".
        stock: how many there are; None when that is not known.
        category: what it is listed under.
        photos: where its pictures are, or their names in the shop's folder.
        payment_links: where it is paid.
        delivery_link: where a customer gets it after having paid; nobody else is shown it.
    """

    name: str
    description: str = ""
    price: Decimal | None = None
    currency: str = ""
    stock: int | None = None
    category: str = ""
    photos: tuple[str, ...] = ()
    payment_links: tuple[str, ...] = ()
    delivery_link: str = field(default="", repr=False)

    def price_in(self, language: str) -> str:
        """The price as it is written in a language; "" when it is not known."""
        if self.price is None:
            return ""
        written = f"{self.price:,.2f}"
        if language != "en":
            written = written.translate(str.maketrans(",.", ".,"))
        sign = _SIGNS.get(self.currency.upper(), self.currency)
        if language != "en" and "$" not in sign:
            return f"{written} {sign}".rstrip()
        return f"{sign} {written}" if len(sign) > 1 else f"{sign}{written}"

    def card(self, language: str) -> str:
        """What a customer reads: name, price, stock, a few words, and where to pay while there is any."""
        texts = _TEXTS.get(language, _TEXTS["en"])
        price = self.price_in(language)
        lines = [f"*{self.name}*" + (f": {price}" if price else "")]
        if self.stock is not None:
            lines.append(
                texts["none" if self.stock < 1 else "left" if self.stock <= _FEW else "in stock"].format(
                    stock=self.stock
                )
            )
        if self.description:
            lines.append(_shortened(self.description))
        if self.stock is None or self.stock > 0:
            lines += [texts["pay"].format(link=link) for link in self.payment_links]
        return "\n".join(lines)


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    if len(plain) <= _LONGEST_DESCRIPTION:
        return plain
    return plain[:_LONGEST_DESCRIPTION].rpartition(" ")[0].rstrip(",;:") + "…"
