"""Whether a chat speaks of paying, in Spanish, English or Portuguese: what comes then may prove it. Pure."""

from __future__ import annotations

import re
import unicodedata

# By their beginnings, without accents; a question how one may pay is none, but what follows it may be.
_WORDS = re.compile(
    r"\b(?:pag(?:o|os|ue|uei|ar|ado|ada|amos|amento|amentos|aron|ou)|abon(?:o|e|ado|ada|ar)"
    r"|transferenci\w*|transferi\w*|transfir\w*|traspas\w*|comprobantes?|comprovantes?|recibos?"
    r"|bizum\w*|pix|boletos?|deposit\w*|consign(?:e|o|acion)|nequi|yape\w*|plin|oxxo|spei"
    r"|paid|pay|payment|payments|paying|receipts?|transfer(?:red|s)?|invoices?|proof of payment"
    r"|resguardo|justificantes?|facturas?|vouchers?)\b"
)
_MOST_CHARACTERS = 2000


def speaks_of_payment(text: str) -> bool:
    """Whether a text has a word for paying, or for what proves it."""
    plain = unicodedata.normalize("NFKD", text[:_MOST_CHARACTERS].lower().replace("_", " "))
    return bool(_WORDS.search("".join(each for each in plain if not unicodedata.combining(each))))
