"""The subjects customers of any shop ask about, in the words of three languages.

A customer asks "¿cuánto vale?" where the page says "Precio", or asks in English of a page in Spanish. Words
of one concept find each other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wabot.brain.knowledge.terms import fold, stem, words

_CONCEPTS = {
    "hours": """
        horario horarios abren abre abrir abierto abierta abiertos cierran cierra cerrar cerrado cerrada
        apertura cierre hora horas domingo domingos sabado sabados festivo festivos lunes finde atienden
        open opens opening close closes closing closed hours hour time times schedule sunday sundays
        saturday saturdays weekend weekends holiday holidays monday abrem abertos aberto aberta fecham
        fecha fechado fechada fechar feriado feriados fim semana funcionamento funcionam funciona
        funcionan atendimento trabajan trabajais
    """,
    "place": """
        direccion ubicacion ubicados ubicada calle encuentran encontrarlos local queda quedan mapa
        parking aparcar aparcamiento metro barrio localizacion address located location street
        directions map park car subway station endereco localizacao rua fica ficam localizada
        localizados estacionamento estacionar
    """,
    "shipping": """
        envio envios enviar envian envia enviais mandar mandan manda mandais entrega entregas entregar
        entregan reparto repartir domicilio paquete paquetes mensajeria transporte gastos llegar tarda
        tardan ship ships shipping shipped deliver delivers delivery delivered deliveries courier
        postage arrive arrives enviam entregam frete correio correios encomenda encomendas demora chega
        transportadora llega llegan send sends sending
    """,
    "abroad": """
        extranjero internacional internacionales europa pais paises portugal francia alemania brasil
        mexico abroad international internationally overseas europe country countries
        france germany worldwide brazil exterior estrangeiro franca alemanha fora espanha spain
    """,
    "payment": """
        acepta aceptan aceptais accept accepts aceita aceitam pago pagos pagar pagan paga pagarle
        efectivo transferencia bizum paypal metalico visa mastercard reembolso pay pays paying payment
        payments cash transfer credit debit apple pagamento pagamentos dinheiro pix mbway multibanco
        debito credito parcelar parcelado admite admiten
    """,
    "returns": """
        devolucion devoluciones devolver devuelvo devuelven cambio cambios cambiar reembolso reembolsos roto
        rota rotos rotas defectuoso danado llego reclamar reclamacion garantia arrepiento return returns
        returned returning refund refunds refunded exchange exchanges broken damaged faulty money warranty
        complaint devolucao devolucoes troca trocas trocar trocam quebrada quebrado danificado reclamacao
        estragado
    """,
    "price": """
        precio precios cuesta cuestan costar costo coste vale valen valer tarifa tarifas barato baratos caro
        caros cobran presupuesto euros price prices priced cost costs pricing cheap cheapest expensive
        charge euro much preco precos custa custam custo valor valores quanto tabela cobram
    """,
    "gift_card": """
        regalo regalos regalar bono bonos cheque vale obsequio cumpleanos envolver envuelven gift gifts
        voucher vouchers present presents wrap wrapping wrapped birthday certificate presente presentes
        oferecer embrulho embrulhar embrulham aniversario
    """,
    "allergy": """
        alergia alergias alergico alergica alergeno alergenos gluten celiaco celiaca celiacos lactosa frutos
        secos nueces intolerancia intolerante vegano vegana veganos trazas soja cacahuete allergy allergies
        allergic allergen allergens coeliac celiac lactose nuts nut vegan traces intolerance intolerant
        peanuts soy dairy alergenicos alergenico nozes amendoim tracos
    """,
    "wholesale": """
        mayorista mayoristas mayoreo mayor empresa empresas cafeteria cafeterias restaurante restaurantes
        hosteleria negocio negocios cantidad cantidades revender distribuidor oficina bar factura wholesale
        bulk business businesses company companies restaurant restaurants cafe trade resell reseller office
        quantity quantities invoice large atacado grosso revenda cafetaria quantidade quantidades escritorio
        fatura
    """,
    "contact": """
        contacto contactar telefono telefonos llamar llamada correo email mail persona humano alguien
        encargado encargada responsable agente duena dueno hablar escribir reclamo contact phone
        telephone call person human someone somebody manager owner talk speak representative staff
        number contato telefone ligar pessoa alguem gerente responsavel falar dona dono atendente numero
        electronico
    """,
    "discount": """
        descuento descuentos oferta ofertas promocion promociones rebaja rebajas cupon codigo discount
        discounts offer offers promotion sale coupon deal desconto descontos promocao promocoes cupom
    """,
    "order": """
        pedido pedidos pedir encargar encargo order orders ordered ordering encomenda encomendas
        encomendar
    """,
    "tracking": "seguimiento rastrear localizador tracking track rastreio rastreamento acompanhar",
    "booking": """
        reserva reservas reservar cita citas taller talleres cata catas booking book reserve reservation
        appointment workshop workshops tasting tastings marcar marcacao oficina degustacao
    """,
}

_PRICE = re.compile(r"[€$£]\s?\d|\d\s?(?:€|\$|£|eur\b|euros?\b|reais\b)", re.IGNORECASE)
_CLOCK = re.compile(r"\b\d{1,2}[:.h]\d{2}\b")
_MAIL = re.compile(r"[^\s@]@[^\s@.]+\.\w")
_PATTERNS = (("price", _PRICE), ("hours", _CLOCK), ("contact", _MAIL))

# Questions whose subject is in no single word, folded.
_PHRASES = (
    ("price", r"[cq]uanto (?:es|e|vale|valen|sale|salen|sai|saem|fica|seria|son|sao|me|te)|how much"),
    ("place", r"(?:a?donde|onde) (?:esta\w*|quedan?|os|se|los|ficam?|voces|e)|where (?:is|are|can i find)"),
    ("place", r"como (?:llego|llegar|chego|chegar)|how (?:do|can) i (?:get|find)"),
    ("abroad", r"the (?:us|uk|states)|usa|ee ?uu|estados unidos"),
    ("hours", r"(?:a|hasta|desde|ate|de) q(?:ue)? horas?|(?:what|which) time"),
)
_COMPILED_PHRASES = tuple((concept, re.compile(rf"\b(?:{phrase})\b")) for concept, phrase in _PHRASES)


def _index() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for concept, members in _CONCEPTS.items():
        for word in members.split():
            found.setdefault(word, set()).add(concept)
            found.setdefault(_STEM_MARK + stem(word), set()).add(concept)
    return {key: frozenset(concepts) for key, concepts in found.items()}


# Sets stems apart from words: "calle" must not meet "call", whose stem it shares.
_STEM_MARK = "~"
_CONCEPTS_OF = _index()

#: Every word of every concept, folded: what a mistyped word may have been meant as.
CONCEPT_WORDS = frozenset(word for members in _CONCEPTS.values() for word in members.split())


@lru_cache(maxsize=8192)
def concepts_of(word: str) -> frozenset[str]:
    """The concepts of a folded word, by itself or else by its stem; empty for most."""
    return _CONCEPTS_OF.get(word) or _CONCEPTS_OF.get(_STEM_MARK + stem(word), frozenset())


def concepts_asked(question: str) -> list[str]:
    """The concepts a question names by its form: "how much", "dónde están", "a qué hora".

    A bare "how much?" names none: it asks about something said before.
    """
    folded = fold(question)
    found = [concept for concept, phrase in _COMPILED_PHRASES if phrase.search(folded)]
    return [concept for concept in found if concept != "price" or words(question)]


def concepts_in(text: str) -> list[str]:
    """The concepts of a text, one for each word and each price, time of day or address it holds."""
    found = [concept for word in words(text) for concept in sorted(concepts_of(word))]
    found += [concept for concept, pattern in _PATTERNS for _ in pattern.findall(text)]
    return found
