"""What only a person can see to is told from what may be answered."""

from __future__ import annotations

import pytest

from wabot.brain.for_person import matter_in

_MATTERS = {
    "person": "agente|quiero hablar con el dueño|pásame con un humano|necesito una persona|manager please|"
    "no quiero hablar con un bot|can I speak to someone|put me through to a human|can a human help me|"
    "quero falar com uma pessoa|passe-me a um funcionário|atendente",
    "complaint": "no me ha llegado el pedido|el saco venía roto|me habéis cobrado dos veces|"
    "paguei duas vezes|"
    "quiero poner una reclamación|os falta un producto en mi pedido|un desastre la atención|"
    "my order hasn't arrived|you charged me twice|the croissant was stale|i want my money back|"
    "a encomenda ainda não chegou|quero meu dinheiro de volta",
    "report": "ya he pagado por bizum|he hecho la transferencia|estoy en la puerta|llego en 5 minutos|"
    "me guardas uno?|te llamo luego|el número de pedido es 4523|perfecto, me lo quedo|im outside|"
    "quiero 2 kilos para las 9|just paid by card thanks|já fiz o pix|tô chegando|segue o comprovante|"
    "donde está mi pedido|os sigo en instagram|mi perro ha vomitado",
}
_QUESTIONS = (
    "¿a qué hora abrís?|puedo devolver una taza?|y si llega roto?|what if it arrives broken?|quiero una cita|"
    "¿puedo pagar con bizum?|do you deliver?|quiero reservar para 4 personas|vocês entregam?|"
    "mi hijo tiene 5 años, lo atienden?"
)
_CASES = [(matter, text) for matter, texts in _MATTERS.items() for text in texts.split("|")]


@pytest.mark.parametrize(("matter", "text"), _CASES)
def test_a_person_a_complaint_and_a_report_are_for_a_person(matter: str, text: str) -> None:
    assert matter_in(text) == matter


@pytest.mark.parametrize("text", [*_QUESTIONS.split("|"), "", "x" * 5000, "me " * 5000])
def test_a_question_is_not(text: str) -> None:
    assert matter_in(text) is None
