"""The subjects that customers of any shop ask about, in the words and phrases of three languages.

A customer asks "¿cuánto vale?" where the page says "Precio", or asks in English of a page in Spanish. Words
of one subject find each other, and so does a text that shows it: an amount, a time of day, a street.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from wabot.brain.folding import fold
from wabot.brain.knowledge.search.days import days_in
from wabot.brain.knowledge.search.phrases import phrases_in
from wabot.brain.knowledge.search.terms import plain, stem

_SAID_MAJOR = """
    hours place phone mail social delivery pickup payment returns warranty booking parking invoice
    jobs catalogue tracking cancel person urgent wholesale
"""
#: What a question is about, whatever else it names: the page on it answers.
MAJOR = frozenset(_SAID_MAJOR.split())
#: What a question wants to know of its subject.
FRAMES = frozenset(("price", "when", "duration"))

_SAID_QUALITIES = """
    entrar usar acceder salir llegar
    disponible disponibles disponibilidad existencia stock available estoque
    bueno buena buenos mejor mejores barato barata baratos economico grande grandes pequeno pequena
    mediano chico chica nuevo nueva usado blanco blanca negro negra rojo roja azul verde talla
    tallas tamano color colores distinto calidad normal entero completo rapido aproximadamente
    hombre mujer adulto adultos solo simple comun personas gente seguro comer tomar guardar poner
    pongo ponen lleva llevan dura quedar empezar pasa pasaria tiempo veces vez casa lado rato ver
    mirar escribir recibir pedir pido funciona valido parte lugar semana semanas dias mes antelacion
    anticipacion good decent best better cheap cheaper nice large small medium big xl xs new used
    white black red blue green size sizes colour color colours quality quick fast men women adult
    adults people person safe far advance ahead hold keep write put goes going there leave happen
    happens happy mean time times day days week weeks fix eat drink wear call set order melhor bom
    boa pequeno pequena medio novo nova branco preto vermelho tamanho cor cores qualidade homem
    mulher pessoas gente comer beber guardar tempo vezes dias semana antecedencia serve servem
    ficaria pronto pronta
"""
#: What a thing may be like: a question that names one asks for the thing all the same.
QUALITIES = frozenset(_SAID_QUALITIES.split())

_SUBJECTS = {
    "hours": """
        horario horarios abren abre abrir abierto abierta abiertos abris abrimos cierran cierra cerrar cerrado
        cerrada cerrais cerramos apertura cierre
        open opens opening close closes closing closed shut schedule
        abrem abrimos aberto aberta abertos aberta fecham! fechado! fechada! fechar! encerrado encerra
        funcionamento! funcionam!
    """,
    "place": """
        direccion ubicacion ubicados ubicada ubicarlos encuentran encontrarlos encontrareis mapa localizacion
        address located location street postcode directions map
        calle! avenida! endereco localizacao rua! morada localizada localizados localizado domicilio!
    """,
    "phone": """
        telefono telefonos telefonico llamar llamarlos llamaros llamenos llame
        phone telephone call! calling ring!
        telefone telefones telemovel ligar ligue contato! contacto! contactos! contatos! contact!
    """,
    "mail": "correo email mail mails electronico",
    "social": "instagram facebook tiktok redes sociales sociais",
    "delivery": """
        envio envios enviar envian envia enviais enviamos mandan! mandais! mandamos! mandam! llega!
        llegan! llegar! llegaria! entrega entregas entregar entregan entregais entregamos entregam reparto
        repartir repartimos repartis reparten paqueteria mensajeria transporte flete fletes ship ships
        shipping shipped deliver delivers delivery delivered deliveries courier postage arrive! arrives!
        arrival! enviam entregam chega! chegam! chegar! frete fretes portes transportadora motoboy tele
        domiciliario
    """,
    "pickup": """
        recoger recogerlo recogida recojo retirar retiro!
        pickup collect collection takeaway takeout retirada levantamento levantar
    """,
    "abroad": """
        extranjero internacional internacionales europa europea abroad outside international
        internationally overseas europe european worldwide exterior estrangeiro europeia fora!
    """,
    "country": """
        pais paises portugal francia alemania italia brasil espana inglaterra irlanda mexico argentina
        colombia chile peru uruguay venezuela ecuador suiza belgica holanda marruecos andorra usa country
        countries france germany italy spain ireland england brazil switzerland belgium netherlands pais
        franca alemanha espanha irlanda suica angola mocambique
    """,
    "payment": """
        pago pagos pagar pagan paga pagarle pay pays paying payment payments
        pagamento pagamentos domiciliacion
    """,
    "tender": """
        efectivo transferencia bizum paypal metalico visa mastercard amex tarjeta tarjetas contrareembolso
        cheque cheques nequi daviplata spei oxxo mercadopago cash card cards transfer credit debit
        dinheiro numerario pix mbway multibanco boleto cartao cartoes debito credito recibo dolares
    """,
    "installments": """
        plazos plazo cuotas msi intereses financian financiacion financiamos financiamiento mensualidades
        installments instalments finance financing parcela parcelas parcelam parcelar prestacoes juros
    """,
    "returns": """
        devolucion devoluciones devolver devolverlo devuelvo devuelven devolveis devuelve cambio cambios
        cambiar cambiarlo cambian reembolso reembolsos arrepiento return returns returned returning refund
        refunds refunded exchange exchanges devolucao devolucoes troca trocas trocar trocam devolvo
        reembolsam
    """,
    "broken": """
        roto! rota! rotos! rotas! danado! danada! danados! defectuoso! defectuosa! estropeado! broken!
        damaged! faulty! defective! quebrado! quebrada! danificado! danificada! partida! partido! defeito!
        estragado! estragada! reclamo! reclamos!
    """,
    "warranty": "garantia garantias garantizado guarantee guaranteed warranty",
    "price": """
        precio precios cuesta cuestan costar costo coste costos vale valen valer tarifa tarifas barato baratos
        barata caro! cobran! cobrais! presupuesto cotizacion euros pesos
        price prices priced cost costs pricing cheap cheapest charge fee fees euro
        precos preco custa custam custo valor! valores! cobram! tabela!
    """,
    "gift_card": """
        regalo regalos regalar obsequio cumpleanos envolver envolveis envuelven gift gifts voucher vouchers
        present presents wrap wrapping wrapped birthday presente presentes oferecer embrulho embrulhar
        embrulham aniversario
    """,
    "allergy": """
        alergia alergias alergico alergica alergeno alergenos gluten celiaco celiaca celiacos lactosa
        nueces intolerancia intolerante vegano vegana veganos vegan trazas soja cacahuete allergy
        allergies allergic allergen allergens coeliac celiac lactose nuts nut traces intolerance intolerant
        peanuts soy dairy alergenicos alergenico nozes amendoim tracos lactose
    """,
    "wholesale": """
        mayorista mayoristas mayoreo mayor empresa empresas hosteleria negocio negocios cafeteria
        cafeterias restaurante restaurantes hoteles revender distribuidor wholesale bulk business
        businesses company companies restaurant restaurants hotels trade resell reseller atacado grosso
        revenda
    """,
    "invoice": "factura facturas facturan facturacion facturais invoice invoices fatura factura faturas "
    "nif nota",
    "discount": """
        descuento descuentos oferta ofertas promocion promociones promo rebaja rebajas cupon discount
        discounts offer offers promotion sale coupon deal desconto descontos promocao promocoes cupom
    """,
    "tracking": "seguimiento rastrear rastreo localizador tracking track rastreio rastreamento",
    "booking": """
        reserva reservas reservar reservo reservan reservais cita citas agendar agenda agendamento agendo
        turno turnos booking book bookings reserve reservation reservations appointment appointments
        marcar! marcacao! marcacoes! agendado
    """,
    "cancel": """
        cancelar cancelo cancelacion cancelaciones anular cancel cancellation cancelamento cancelamentos
        desmarcar
    """,
    "deposit": "deposito sena! anticipo! fianza deposit sinal caucao adelanto",
    "parking": """
        parking aparcar aparcamiento parqueadero parquear parqueo estacionamiento estacionar estacionamento
        cochera park
    """,
    "pets": "mascota mascotas perro perros perrito gato gatos dog dogs pet pets cao! caes! cachorro!",
    "children": """
        nino ninos nina ninas hijo hijos hija bebe bebes infantil menores
        child children kid kids baby babies son! daughter toddler
        crianca criancas filho filha filhos miudos bebes
    """,
    "jobs": """
        empleo empleos empleado empleados vacante vacantes curriculum cv dependienta dependiente trabajadores!
        job jobs hiring vacancy vacancies recruit career careers
        vaga vagas emprego empregados curriculo contratando
    """,
    "workshop": "taller talleres cata catas curso cursos workshop workshops tasting tastings oficina "
    "degustacao prova",
    "person": """
        persona humano encargado encargada responsable duena dueno human someone somebody manager owner
        representative staff pessoa gerente responsavel dona dono atendente hablar speak talk falar
    """,
    "catalogue": """
        menu carta! catalogo catalogos cardapio ementa catalogue catalog servicios! servicos! services!
        tarifas! precios! precos! prices! tabela! productos! produtos! products!
    """,
    "free": "gratis gratuito gratuita gratuitas free incluido incluida gratuitamente",
    "urgent": "urgencia urgencias urgente urgent urgently emergency emergencia",
    "month": "mes mensual mensuales mensualidad month monthly mensal mensais mensalidade",
    "year": "anual anuales anualidad yearly annual year anuidade",
    "repair": "reparar reparacion reparaciones reparan reparais arreglar arreglo arreglan arreglais "
    "repair repairs fix mend consertar conserto arranjar reparacao",
    "student": "estudiante estudiantes student students estudante estudantes",
    "senior": "jubilado jubilados pensionista pensionistas mayores senior seniors retired idoso idosos "
    "reformados aposentados",
    "flavour": "sabor sabores gusto gustos flavor flavors flavour flavours",
    "copy": "copia copias duplicar duplicado duplicados copy copies",
    "vet": "veterinario veterinaria vet",
    "food": "comida pienso piensos alimento alimentos croquetas racao food feed",
}

_AMOUNT = re.compile(
    r"(?:[€$£]|\b(?:eur|usd|mxn|cop)\b)\s?\d|\d\s?(?:€|\$|£|eur\b|euros?\b|reais\b|pesos\b)", re.IGNORECASE
)
_CLOCK = re.compile(
    r"\b\d{1,2}(?::|\.|h)\d{2}\b|\b\d{1,2}\s?(?:hs?\b|hrs\b|[ap]\.?\s?m\b)"
    r"|\b(?:de|das?|from) (?:las )?\d{1,2}h? (?:a|as|to|ate) (?:las )?\d{1,2}\b",
)
_PHONE = re.compile(r"(?<![\d,.$€£-])\+?\(?\d{2,5}\)?(?:[ .-]?\d{2,4}){2,4}(?!\d|,\d)")
_SHORTEST_LIST = 3
_STREET = re.compile(
    r"\b(?:calle|c/|avenida|avda?\b|av\.|carrera|cra\b|cr\b|cll\b|calz|calzada|plaza|paseo|bv\b|"
    r"boulevard|blvd|"
    r"bulevar|camino|carretera|pasaje|ronda|col\.|colonia|rua|r\.|travessa|largo|praca|alameda|cais|estrada|"
    r"rodovia|cp\b|c\.p\.)[^\n]{0,60}?\d"
    r"|\b\d+[a-z]?,? (?:[a-z']+ ){1,3}(?:street|st|road|rd|avenue|ave|lane|square|way|drive|court|place|"
    r"row)\b"
    r"|\b[a-z]{1,2}\d{1,2}[a-z]? \d[a-z]{2}\b|#\s?\d+\s?-\s?\d+"
    r"|\d, \d{5} [a-z]{3,}|\b(?:barrio|urbanizacion|poligono) [^\n.]{0,40}?\d",
)
_DURATION = re.compile(
    r"(?<!\d)\d{1,4}\s?(?:h\b|hs\b|hrs?\b|horas?|hours?|min\b|minut|dias?\b|days?\b|semanas?|weeks?|meses|months|"
    r"h\d\d\b)",
)
_EVIDENCE = (
    ("price", re.compile(r"\bgratis|gratuit|\bfree\b|se cotiza")),
    ("mail", re.compile(r"[^\s@]@[^\s@.]+\.\w")),
    ("social", re.compile(r"(?<![\w.])@\w{3,}|instagram|facebook")),
)
_EVIDENCE_IN_FIGURES = (("price", _AMOUNT), ("hours", _CLOCK), ("place", _STREET), ("duration", _DURATION))


# Phrases that a text means by another subject than their words do, and the word that means nothing else then.
_TEXT_PHRASES = (
    ("hours", re.compile(r"(?<!\d)(?<!\d\s)\bhours\b"), ""),
    ("delivery", re.compile(r"\b(?:servicio )?a domicilio\b"), "domicilio"),
    ("tender", re.compile(r"\bcontra ?reembolso\b"), "reembolso"),
    ("pickup", re.compile(r"\bpick(?:ed)?(?: \w+){0,2} up\b|\btake ?(?:away|out)\b|\bpara llevar\b"), ""),
    ("installments", re.compile(r"\b(?:meses sin|sin) intereses\b|\bsem juros\b|\b\d+ ?x sem\b"), ""),
    (
        "booking",
        re.compile(
            r"\b(?:pedid|pedir|pida|pide|marcar|marque|book) (?:una? |a )?(?:hora|cita|slot|horario)\b|"
            r"cita previa"
        ),
        "",
    ),
)


def _index() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for subject, members in _SUBJECTS.items():
        for word in members.split():
            found.setdefault(word.rstrip("!"), set()).add(subject)
            if not word.endswith("!"):
                found.setdefault(_STEM_MARK + stem(word), set()).add(subject)
    return {key: frozenset(subjects) for key, subjects in found.items()}


# Sets stems apart from words: "calle" must not meet "call", whose stem it shares.
_STEM_MARK = "~"
_SUBJECTS_OF = _index()
_LONGEST_INFLECTION = 7
_NONE: frozenset[str] = frozenset()

#: Every word of every subject, folded: what a mistyped word may have been meant as.
SUBJECT_WORDS = frozenset(word.rstrip("!") for members in _SUBJECTS.values() for word in members.split())


@lru_cache(maxsize=8192)
def subjects_of(word: str) -> frozenset[str]:
    """The subjects of a folded word, by itself or else by its stem; empty for most."""
    key = stem(word)
    # "valoración" is no inflection of "valor", for all that it begins so.
    by_stem = (
        _SUBJECTS_OF.get(_STEM_MARK + key, _NONE) if len(word) - len(key) <= _LONGEST_INFLECTION else _NONE
    )
    return _SUBJECTS_OF.get(word) or by_stem


def subjects_in(text: str, said: Iterable[str]) -> frozenset[str]:
    """What a text speaks of, as terms: "_hours" by a word, "=hours" by what shows it, "=day0" for Mondays.

    Args:
        text: as it was written.
        said: its words, as `words` has them.
    """
    folded = fold(text)
    spoken = {f"={subject}" for subject, pattern in _EVIDENCE if pattern.search(folded)}
    if any(character.isdigit() for character in folded):
        spoken |= {f"={subject}" for subject, pattern in _EVIDENCE_IN_FIGURES if pattern.search(folded)}
        if _is_phone(folded):
            spoken.add("=phone")
        if len(_AMOUNT.findall(folded)) >= _SHORTEST_LIST:
            spoken.add("=catalogue")
        if "=hours" in spoken:
            spoken.add("=when")
    if days := days_in(folded):
        spoken |= days | {"=hours", "=when"}
    hidden = set()
    for subject, phrase, word in _TEXT_PHRASES:
        if phrase.search(folded):
            spoken.add(f"_{subject}")
            hidden.add(word)
    spoken |= {f"_{subject}" for word in set(said) - hidden for subject in subjects_of(word)}
    return frozenset(spoken)


def subjects_in_heading(text: str, said: Iterable[str]) -> frozenset[str]:
    """The same of a heading, which may be a question: "Where are you?"."""
    return subjects_in(text, said) | {f"_{subject}" for subject in phrases_in(plain(text))[0] if text}


def _is_phone(folded: str) -> bool:
    for found in _PHONE.finditer(folded):
        digits = sum(character.isdigit() for character in found[0])
        if 8 <= digits <= 13 and not re.fullmatch(r"\d{4}-\d{3}", found[0].strip()):
            return True
    return False
