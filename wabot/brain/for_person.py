"""Recognises what only a person can see to: who asks for one, a complaint, a report, an order. Pure."""

from __future__ import annotations

from typing import Literal

import regex

from wabot.brain.knowledge.search.terms import plain

Matter = Literal["person", "complaint", "report"]

_LONGEST_CHARACTERS = 1000

_SOMEBODY = (
    r"(?:un[ao]? |el |la |los |al |alg[uú]n |o |a |um |uma |an? |the |some |another |vuestr[oa] |su )*"
    r"(?:persona|human|humano|humana|alguien|encargad[oa]|responsable|responsavel|duen[oa]|don[oa]|"
    r"jef[ea]|gerente|"
    r"director|directora|agente|agent|asesor|asesora|operador|operadora|operator|supervisor|vendedor|"
    r"vendedora|"
    r"atendente|funcionari[oa]|pessoa|alguem|person|someone|somebody|manager|owner|boss|representative|staff|"
    r"colleague|doctor|doctora|recepcion)"
)
_PERSON = (
    r"^\W*(?:(?:un|una|um|uma|an?|the|con|com|real) )*(?:persona|human|humano|humana|agente|agent|"
    r"asesor|asesora|"
    r"operador|operadora|operator|atendente|pessoa|person|representative|representante|gerente|manager)"
    r"(?: (?:real|de verdad|please|por favor|humano|humana))*\W*$",
    rf"(?:necesito|quiero|quisiera|prefiero|quero|preciso|preciso de|need|want|get me|give me) {_SOMEBODY}\b",
    r"(?:hablar|hable|conversar|chatear|falar|speak|talk|chat) (?:con|com|to|with)\b(?! (?:chatgpt|la ia)\b)",
    rf"(?:pass?[ae]\w*|comuni[cq]\w*|conect\w*|transfi\w*|transfer\w*|deriv\w*|pon\w*|pong\w*|contact\w*) "
    rf"(?:me )?(?:con |a |al |ao |com |pra |para |to |through to |me to )*{_SOMEBODY}\b",
    r"que me (?:llam\w+|contact\w+|atiend\w+)\b|put me through|real person|actual person|persona real|"
    r"de carne y hueso",
    rf"(?:atienda|atender|llame|llamar|contacte|contestar|conteste|call|reply|answer) (?:me )?(?:por |"
    rf"by )?{_SOMEBODY}\b",
    rf"{_SOMEBODY} (?:que )?(?:me |can )?(?:llame|atienda|conteste|call|contacte|atende|help|ayude|"
    rf"ajude|ajudar)\b",
    r"no quiero (?:hablar|escribir|tratar)? ?(?:con )?(?:un |una )?(?:bot|robot|maquina|contestador)",
)
_CONDITIONAL = (
    r"\b(?:que pasa si|y si|si (?:me )?(?:llega|llegara|viene|falta|esta)|what (?:if|happens)|"
    r"if (?:it|my|the)|e se|se (?:me )?(?:chegar|vier))\b"
)
_BAD = (
    r"(?:rot[oa]s?|mal|mal[oa]s?|fri[oa]s?|derretid\w*|abiert[oa]|equivocad\w*|vaci[oa]s?|incomplet\w*|"
    r"danad\w*|suci[oa]s?|"
    r"defectuos\w*|estropead\w*|fatal|horrible|pesim\w*|quemad\w*|crud[oa]s?|caducad\w*|podrid\w*|"
    r"aplastad\w*|"
    r"late|cold|broken|wrong|damaged|missing|disgusting|awful|stale|burnt|dirty|terrible|faulty|"
    r"errad\w*|quebrad\w*|partid[oa]s?|estragad\w*|frias?|danificad\w*|horrivel|ruim|pessim\w*|faltando)"
)
_COMPLAINT = (
    r"no (?:me |nos |se |os )*(?:ha|han|habeis|hemos) (?:\w+ )?(?:llegado|venido|llamado|contestado|"
    r"enviado|devuelto|entregado|recibido|respondido)",
    r"(?:aun|todavia) no (?:\w+ )?(?:lleg\w*|entreg\w*|ha|han|he|recib\w*|tengo)|no (?:me )?(?:lleg[oaó]\w*|"
    r"recibi|contest\w+|respond\w+|entregaron)\b(?! a\b)",
    r"y no (?:llega|viene|aparece)|no (?:me |nos )?(?:funciona|abre|deja|carga|va bien|enciende|prende|"
    r"sirve)\b",
    rf"(?:lleg\w+|vin\w+|ven[ií]a\w*|sali\w*|qued\w+|estaba\w*|estuvo|ha[ns]? (?:llegado|venido|quedado|"
    rf"salido)|esta|is|was|are|were|its|came|come|"
    rf"arrived|arrives|veio|vieram|chegou|chegaram|ficou|ficaram|estava\w*) (?:\w+ ){{0,4}}{_BAD}\b",
    r"(?:me|nos|os|le) (?:ha )?(?:falt[oa]n?|faltado|faltaron)\b",
    r"(?:cobra\w*|charged|paguei|pague|pagado|cobraram|overcharged|billed) (?:\w+ ){0,4}(?:dos veces|"
    r"doble|de mas|mal|twice|double|wrong\w*|extra|"
    r"duas vezes|a mais|dobro|mas)\b|overcharged",
    r"(?:poner|presentar|hacer|tengo|quiero|meter|abrir|apresentar|fazer|make|have|file|got) (?:una? |a "
    r"|uma )?(?:reclam\w+|queja|denuncia|complaint|reclamacao)",
    r"\b(?:quejarme|complain|complaint|estafa|scam|verguenza|inaceptable|unacceptable|ridiculous|"
    r"disgusting|appalling|rude|"
    r"pesimo|pesima|descontent\w*|insatisf\w*|insatisfeit\w*|decepcion\w*|desastre|asco|lamentable|fatal)\b",
    r"(?:quiero|exijo|devuelv\w+|dame|want|give|quero|give me) (?:que me devuelvan |back )?(?:me "
    r")?(?:mi|my|o meu|meu|el) (?:dinero|plata|money|dinheiro)",
    r"money back|dinheiro de volta|refund me|want (?:my|a) refund",
    r"(?:hasnt|hasn t|has not|havent|haven t|have not|didnt|didn t|did not|never) (?:\w+ )?(?:arriv\w*|"
    r"come|came|receiv\w*|turned|got|showed|been delivered|get)\b",
    r"(?:doesnt|doesn t|not|isnt|isn t|still|wont|won t) (?:work|working|broken)|wrong (?:item|order|"
    r"size|one|pizza|product)|been waiting|is late\b",
    r"(?:nao|n) (?:chegou|chegaram|recebi|funciona|veio|vieram|apareceu|me responde\w*)\b|manchou|"
    r"enganaram|erraram|trocaram o",
    r"se (?:me )?(?:cayo|rompio|rompieron|estropeo|quebrou|partiu)|sigue (?:doliendo|sin|roto|igual|mal)",
    r"(?:he|hemos|i|eu) (?:perdido|lost|perdi)|me (?:he )?(?:dejado|deje|olvide|olvidado) |left my |esqueci",
    r"llevo (?:\w+ )+esperando|pedi hace|equivocaron|os habeis equivocado|cualquier cosa",
    r"muy car[oa]|demasiado car[oa]|too expensive|muito caro|cost too much",
)
_DONE = r"(?:pag\w+|deposit\w+|transf\w+|consign\w+|ingres\w+|gir\w+|bizum)"
_REPORT = (
    # paid, sent
    rf"\bya (?:\w+ ){{0,3}}(?:{_DONE}|envi[eaé]\w*|mand[eaé]\w*|hecho|hice|hicimos)\b",
    r"\b(?:he|hemos|hice|acabo de|fiz|acabei de) (?:\w+ )?(?:hecho|pagad\w+|enviad\w+|mandad\w+|"
    r"realizad\w+|ingresad\w+|pagar|transferir|enviar|"
    r"el pago|la transferencia|el deposito|un deposito|o pix|pix|o pagamento|a transferencia|o deposito)\b",
    r"\bja (?:\w+ )?(?:fiz|paguei|mandei|enviei|transferi|depositei)\b|\bcomprovante\b|\bcomprobante\b",
    r"\b(?:just|already|ive|i ve|i have|i) (?:just )?(?:paid|sent|transferred|payed)\b",
    r"\b(?:te|le|les|os) (?:he )?(?:transferi|pague|deposite|consigne|mandado|enviado|mande|envie)\b",
    # on the way, there
    r"\b(?:estoy|estamos|toy|to|tou|estou|im|i m|i am|were|we are) (?:ya )?(?:en la puerta|fuera|afuera|"
    r"aqui|abajo|outside|here|na porta|a porta|ca fora|"
    r"la fora|chegando|llegando|on my way|de camino|en camino|a caminho|yendo|esperando)\b",
    r"^\W*(?:llego|llegamos|chego) (?:en|tarde|a las|\d|dentro)|\bvoy (?:(?:para|pa) alla|llegando|por "
    r"el|por la|saliendo)|^\W*ya voy\b|\b(?:voy|vamos) "
    r"(?:en|de) camino|\bon my way|\bomw\b|\bbe there in|running late",
    r"\bpasso ai\b|\b(?:te|os|les|le) (?:llamo|escribo|aviso|espero|confirmo)\b|(?:call|text|message) "
    r"you later|\bligo (?:depois|mais)|"
    r"quedo (?:atent|pendient|a la espera)\w*|fico no aguardo",
    # what no business answers
    r"\bque t(?:iempo|empo) (?:hace|va a hacer|hara|faz|vai fazer)|\bweather\b|previsao do tempo|"
    r"pronostico del tiempo|"
    r"cuentame un chiste|conta uma piada|tell me a joke|capital (?:de|of|da|do) \w+",
    # orders, and what goes with them
    r"\bme lo (?:quedo|llevo)\b|\bapuntame|\bme apunto\b|\bill take\b|\bi ll take\b|\bfico com\b|\bvou "
    r"querer\b|\bahi le encargo\b|"
    r"(?:me )?guardas? (?:un|dos|el|la|lo)|\bguarda(?:me|dme)\b|\breservame\b|(?:hacer|fazer|place) "
    r"(?:un |um |an )?(?:pedido|order|encomenda)$",
    r"^\W*(?:\w+ )?(?:quiero|quisiera|dame|ponme|ponganme|mandeme|mandame|enviame|me (?:pones|mandas|da|"
    r"das|ve)|quero|queria|id like|i d like|i want|"
    r"i ll have|send me) (?:to order |pedir |encargar )?(?:\d+|dos|tres|cuatro|two|three|dois|"
    r"duas)\b(?! (?:personas|people|pessoas))",
    r"\b(?:mi|meu|minha|my) (?:\w+ ){1,3}(?:es|e|is) (?:el |la |a |o |the )?\w*\d|\b(?:pedido|encomenda|"
    r"order|socio)\b (?:\w+ ){0,2}(?:es|e|is|number|no|numero)?"
    r" ?(?:el |la |a )?#?\d{3,}|\bmy name is\b|\bme llamo\b|\bmeu nome e\b|\ba nombre de\b|\bem nome "
    r"de\b|^\W*soy socio",
    r"\b(?:os|te|les) sigo\b|\bsigo vos\b|\bi follow\b|\b(?:te|le|les|os) (?:paso|mando|envio|adjunto) \w+",
    # what befalls the customer's own
    r"^[^?]*\b(?:mi|meu|minha|my) \w+ (?:no|nao|se|ha|has|is|isnt|wont|doesnt|esta|ta|faltou)\b[^?]*$",
    # where the order is
    r"(?:donde esta|cuando llega|estado de|que paso con|where is|wheres|where s|status of|onde esta|"
    r"cade|quando chega) (?:o |a |el |la )?"
    r"(?:mi|my|meu|minha) (?:pedido|paquete|order|parcel|package|encomenda|compra)\b",
)
_CONDITION = regex.compile(_CONDITIONAL)
_MATTERS: tuple[tuple[Matter, regex.Pattern[str]], ...] = (
    ("person", regex.compile("|".join(f"(?:{pattern})" for pattern in _PERSON))),
    ("complaint", regex.compile("|".join(f"(?:{pattern})" for pattern in _COMPLAINT))),
    ("report", regex.compile("|".join(f"(?:{pattern})" for pattern in _REPORT))),
)


def matter_in(text: str) -> Matter | None:
    """What of a message only a person can see to; None for what may be answered."""
    said = " ".join(regex.sub(r"['’´`]|(?<=\w)-(?=\w)", " ", plain(text[:_LONGEST_CHARACTERS])).split())
    for matter, pattern in _MATTERS:
        if pattern.search(said) and not (matter == "complaint" and _CONDITION.search(said)):
            return matter
    return None
