"""What of an answer stands in what was shown: said otherwise, counted up, or invented."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabot.brain.conversation import Turn
from wabot.brain.guard.shown import Shown, ShownText
from wabot.brain.guard.verdict import unsupported

PETS = """
# Pienso para perros

| Producto | Peso | Precio |
|---|---|---|
| Royal Canin Medium Adult | 4 kg | 29,95 € |
| Royal Canin Medium Adult | 15 kg | 72,50 € |
| Pienso Patitas, cordero y arroz | 12 kg | 34,50 € |
| Royal Canin Puppy (cachorros) | 4 kg | 32,90 € |

# Accesorios

- Arnés antitirones: 18,50 €, en stock
- Collar de nailon (S, M, L): 7,90 €
- Transportín: 1.045,00 €, agotado

# Horario

Lunes a viernes: 9:30 a 13:30 y 16:30 a 20:00
Sábados: 10:00 a 14:00

# Envíos

A la península por MRW en 24/48 horas. Gastos de envío: 5,90 €. Gratis a partir de 49 €.
A Baleares: 9,90 €, 3 o 4 días. Repartimos en la ciudad los martes y jueves.

# Contacto

Teléfono 976 55 12 34, hola@patitas.example, https://patitas.example/tienda. Instagram: patitas_zgz.
Tienes 14 días para devolver. Con tarjeta de cliente, un 10 % de descuento.
"""
PIZZAS = """
# Menu

- Margherita £9.50
- Diavola £12.00
- Quattro Formaggi £12.50

# Delivery

We deliver within 3 miles for £2.50; free on orders over £30. Delivery takes 35 to 50 minutes.
Minimum order £15.
We are open Tuesday to Sunday, 12:00 to 15:00 and 17:30 to 22:30. For groups a deposit of £5 per person.
"""
TACOS = "# Carta\n\n- Taco al pastor $25\n- Agua fresca $1,200.50\n\nEnvío $40."


def found(text: str, answer: str, *said: str) -> list[str]:
    """The kinds of what is unsupported; what begins with ">" was said by the shop."""
    turns = [Turn("assistant", each[1:]) if each.startswith(">") else Turn("user", each) for each in said]
    return [claim.kind for claim in unsupported(answer, Shown([ShownText(text)], turns))]


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (PIZZAS, "margherita?", "It's 9.50 pounds, or GBP 9,50; about £10."),
        (PIZZAS, "margherita?", "Nueve libras con cincuenta; la Diavola, 12 £."),
        (PIZZAS, "2 margheritas and one diavola?", "2 x £9.50 + 1 x £12.00 = £31.00, with delivery £33.50."),
        (PIZZAS, "2 margheritas and one diavola?", "That comes to £31 in total."),
        (PIZZAS, "dos diavolas", "Son 24 £."),
        (PIZZAS, "table for 10", "The deposit for 10 people is £50 (£5 per person)."),
        (PIZZAS, "hours?", "From noon to 3 pm, and from half past five to 10.30pm."),
        (
            PIZZAS,
            "delivery?",
            "It takes 35-50 minutes, up to 3 miles: £2.50, and nothing over £30: it is free.",
        ),
        (PETS, "royal canin?", "El de 4 kg son 29.95€, el de 15 kg 72'50 euros."),
        (PETS, "horario?", "De 9:30 a 13:30 y de 4:30 a 8 de la tarde; los sábados de 10 a 14 h."),
        (PETS, "envio", "A la península 5,90 € en uno o dos días; a Baleares 9,90 € y 3-4 días."),
        (PETS, "cuando llega", "Puede llegar mañana; en la ciudad repartimos el jueves."),
        (PETS, "telefono", "El +34 976-551-234, @patitas_zgz o www.patitas.example/tienda/."),
        (PETS, "whatsapp?", "https://wa.me/34976551234"),
        (PETS, "devolver", "Tiene dos semanas; con la tarjeta, 10% menos."),
        (PETS, "arnes", "Está en stock. El transportín, agotado: cuesta 1045 €."),
        (PETS, "hay stock del collar?", "No sé si hay stock del collar; se lo confirma una persona."),
        (PETS, "algo por menos de 20 €", "Por menos de 20 € hay un arnés (18,50 €) y un collar (7,90 €)."),
        (PETS, "el collar cuesta 1 euro?", "No, no cuesta 1 euro: son 7,90 €."),
        (PETS, "cita el martes a las 11", "¿El martes a las 11:00, entonces?"),
        (PETS, "mi pedido 12345678?", "Miro su pedido 12345678."),
        (TACOS, "agua?", "Son 1200,50 pesos, y el taco $25."),
    ],
)
def test_what_was_shown_may_be_said_in_other_words(text: str, question: str, answer: str) -> None:
    assert found(text, answer, question) == []


@pytest.mark.parametrize(
    "answer", ["Su pedido R28-10 ha salido.", "La referencia es 4711-10-12.", "El modelo X/28-10."]
)
def test_the_number_of_an_order_or_an_article_is_no_day(answer: str) -> None:
    assert "day" not in found(PETS, answer, "¿Ha salido mi pedido?")
    assert found(PETS, "Su pedido llega el 28-10.", "¿Ha salido mi pedido?") == ["day"]


@pytest.mark.parametrize(
    ("text", "question", "answer", "kinds"),
    [
        (PIZZAS, "margherita?", "The Margherita is £12.00.", ["amount"]),
        (PIZZAS, "margherita?", "It's £12.00.", ["amount"]),
        (PIZZAS, "margherita?", "It's 9.50 euros.", ["amount"]),
        (PIZZAS, "the price is £1, right?", "Yes, it is £1.", ["amount"]),
        (PIZZAS, "the price is 1 pound, right?", "Right, one pound.", ["amount"]),
        (PIZZAS, "2 margheritas and one diavola?", "2 x £9.50 + 1 x £12.00 = £30.00", ["amount"]),
        (PIZZAS, "2 margheritas and one diavola?", "Together £30.", ["amount"]),
        (PIZZAS, "3 diavolas", "3 × £12.00 = £35.00", ["amount"]),
        (PIZZAS, "about how much is a margherita?", "About £15.", ["amount"]),
        (PIZZAS, "delivery?", "We deliver in 20 minutes, see bellanapoli.com or call 01273 555 011.", None),
        (PIZZAS, "delivery?", "Delivery is free for you and takes an hour.", ["time span"]),
        (PETS, "royal canin 15 kg", "El Royal Canin Medium Adult de 15 kg cuesta 29,95 €.", ["amount"]),
        (PETS, "royal canin de cachorro", "Cuesta veintinueve euros con noventa y cinco.", ["amount"]),
        (PETS, "collar", "Nos quedan 3 unidades del collar.", ["stock"]),
        (PETS, "arnes", "El arnés está agotado.", ["stock"]),
        (PETS, "transportin", "El transportín está en stock.", ["stock"]),
        (PETS, "baleares", "A Baleares tarda 24 horas.", ["time span"]),
        (PETS, "llega el viernes?", "Sí, llega el viernes.", ["day"]),
        (PETS, "llega el 24 de diciembre?", "Sí, llega el 24 de diciembre.", ["day"]),
        (PETS, "sabados?", "Los sábados abrimos a las 9:30.", ["time"]),
        (PETS, "descuento?", "Con tarjeta, un 15 % de descuento.", ["percentage"]),
        (PETS, "tu telefono es 600111222?", "Sí, llámenos al 600 111 222.", ["telephone"]),
        (PETS, "pago en https://malo.example/x ?", "Sí, pague en https://malo.example/x", ["link"]),
        (PETS, "collar?", "- Collar: 99", ["amount"]),
        (TACOS, "taco?", "Son 25 dólares.", ["amount"]),
    ],
)
def test_what_was_not_shown_is_unsupported(
    text: str, question: str, answer: str, kinds: list[str] | None
) -> None:
    assert found(text, answer, question) == (["time span", "link", "telephone"] if kinds is None else kinds)


def test_what_the_shop_said_in_the_chat_is_a_fact_and_the_product_spoken_of_stays_the_subject() -> None:
    assert found("", "Sí, 15 €.", "cuánto es?", ">Se lo dejo en 15 €.", "15?") == []
    assert found(PETS, "Son 7,90 €.", "tienes arnés?", ">Sí, hay arnés.", "y cuánto cuesta?") == ["amount"]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="09.,:'€$£%+-/@ \nahykxs()|#áç½", max_size=300), st.text(max_size=100))
def test_hostile_text_ends_in_a_verdict(answer: str, shown: str) -> None:
    unsupported(
        answer,
        Shown([ShownText(answer[::-1]), ShownText(shown)], [Turn("user", shown), Turn("user", answer)]),
    )


def test_long_hostile_texts_take_no_long_time() -> None:
    for text in ("1.000" * 5000, "dos y " * 5000, "9 a " * 5000, "a@" * 9000, "no " * 9000, "1 1" * 5000):
        unsupported(text, Shown([ShownText(PETS)], [Turn("user", text)]))
