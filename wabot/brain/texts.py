"""What customers read when no model wrote it, in each language wabot speaks."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("es", "en", "pt")


@dataclass(frozen=True, slots=True)
class Texts:
    """The fixed sentences of one language. `confirm_opt_out` fills in the word that undoes it."""

    disclosure: str
    greeting: str
    presence: str
    how_are_you: str
    robot: str
    attention: str
    wishes: str
    thanks: str
    farewell: str
    cannot_answer: str
    text_only: str
    not_heard: str
    for_person: str
    to_check: str
    handed_over: str
    away: str
    ask_to_repeat: str
    cannot_open: str
    opted_in: str
    opted_out: str

    def courtesy(self, kind: str) -> str:
        """What answers a courtesy, by its name."""
        return str(getattr(self, kind))

    def confirm_opt_out(self, opt_in_word: str) -> str:
        """The confirmation of an opt-out, naming the word (as "alta") that brings answers back."""
        return self.opted_out.replace("{word}", opt_in_word.upper())


_TEXTS = {
    "es": Texts(
        disclosure="Le responde un asistente automático; para hablar con una persona, escriba «persona».",
        greeting="¡Hola! Gracias por escribirnos. ¿En qué podemos ayudarle?",
        presence="¡Hola! Sí, aquí estamos. ¿En qué podemos ayudarle?",
        how_are_you="¡Hola! Todo bien, gracias. ¿En qué podemos ayudarle?",
        robot="Soy el asistente automático de este negocio. Pregunte lo que necesite; si prefiere "
        "hablar con una "
        "persona, dígamelo y la aviso.",
        attention="Claro, ¿en qué podemos ayudarle?",
        wishes="¡Muchas gracias! Igualmente para usted.",
        thanks="¡Gracias a usted! Aquí estamos para lo que necesite.",
        farewell="¡Hasta pronto! Gracias por escribirnos.",
        cannot_answer="Gracias por su mensaje. Ahora mismo no puedo responderle con seguridad; "
        "se lo paso a una persona del equipo y le contestará en cuanto pueda.",
        text_only="Gracias por escribirnos. Lo que nos ha enviado no lo puedo ver ni escuchar. "
        "¿Me lo puede contar por escrito, por favor?",
        not_heard="No he podido escuchar su audio. ¿Me lo puede contar por escrito, por favor?",
        for_person="Gracias por su mensaje. Eso solo lo puede ver una persona del equipo: se lo paso, y le "
        "contestará en cuanto pueda.",
        to_check="Gracias, lo hemos recibido. Una persona del equipo lo revisará y le responderá en "
        "cuanto pueda.",
        handed_over="De acuerdo, se lo paso a una persona del equipo, que le escribirá en cuanto pueda.",
        away="Gracias por su mensaje. En este momento no estamos; le responderemos en cuanto volvamos.",
        ask_to_repeat="Disculpe, hemos tenido un problema técnico y su último mensaje no nos llegó completo. "
        "¿Nos lo puede enviar otra vez, por favor?",
        cannot_open="Desde aquí no puedo abrir lo que se envía para ver una sola vez. "
        "¿Me lo puede enviar de la forma normal, o contármelo por escrito, por favor?",
        opted_in="¡Bienvenido de nuevo! Volveremos a responder a sus mensajes.",
        opted_out="De acuerdo, no le enviaremos más mensajes. Si cambia de idea, escriba {word}.",
    ),
    "en": Texts(
        disclosure="An automated assistant is answering; to talk to a person, write “person”.",
        greeting="Hello! Thanks for writing to us. How can we help you?",
        presence="Hello! Yes, we are here. How can we help you?",
        how_are_you="Hello! All well, thank you. How can we help you?",
        robot="I am this business's automatic assistant. Ask whatever you need; if you would rather "
        "talk to a person, "
        "tell me and I'll let one know.",
        attention="Of course, go ahead.",
        wishes="Thank you very much! The same to you.",
        thanks="Thank you! We are here whenever you need us.",
        farewell="Goodbye! Thanks for writing to us.",
        cannot_answer="Thank you for your message. I can't give you a reliable answer right now; "
        "I'll pass it on to a person on our team, who will reply as soon as they can.",
        text_only="Thanks for writing to us. I can't look at or listen to what you sent. "
        "Could you tell me in writing, please?",
        not_heard="I could not listen to your voice message. Could you tell me in writing, please?",
        for_person="Thank you for your message. Only a person on our team can look at that: I'll pass it on, "
        "and they will reply as soon as they can.",
        to_check="Thank you, we have received it. A person on our team will check it and reply as soon "
        "as they can.",
        handed_over="All right, I'll pass you on to a person on our team, who will write to you as soon as "
        "they can.",
        away="Thank you for your message. We are away at the moment and will reply as soon as we are back.",
        ask_to_repeat="Sorry, we had a technical problem and your last message did not reach us in full. "
        "Could you send it again, please?",
        cannot_open="From here I can't open what is sent to be viewed once. "
        "Could you send it the normal way, or tell me in writing, please?",
        opted_in="Welcome back! We will answer your messages again.",
        opted_out="All right, we won't send you any more messages. If you change your mind, write {word}.",
    ),
    "pt": Texts(
        disclosure="Quem responde é um assistente automático; para falar com uma pessoa, escreva «pessoa».",
        greeting="Olá! Obrigado por nos escrever. Em que podemos ajudar?",
        presence="Olá! Sim, estamos aqui. Em que podemos ajudar?",
        how_are_you="Olá! Tudo bem, obrigado. Em que podemos ajudar?",
        robot="Sou o assistente automático deste negócio. Pergunte o que precisar; se preferir falar "
        "com uma pessoa, "
        "diga-me e eu aviso.",
        attention="Claro! Em que posso ajudar?",
        wishes="Muito obrigado! Igualmente para você.",
        thanks="Nós é que agradecemos! Estamos aqui para o que precisar.",
        farewell="Até logo! Obrigado por nos escrever.",
        cannot_answer="Obrigado pela sua mensagem. Neste momento não consigo responder com certeza; "
        "vou passar a uma pessoa da equipe, que responderá assim que puder.",
        text_only="Obrigado por nos escrever. Não consigo ver nem ouvir o que nos enviou. "
        "Pode contar por escrito, por favor?",
        not_heard="Não consegui ouvir o seu áudio. Pode contar por escrito, por favor?",
        for_person="Obrigado pela sua mensagem. Só uma pessoa da equipe pode ver isso: vou passar a ela, que "
        "responderá assim que puder.",
        to_check="Obrigado, recebemos. Uma pessoa da equipe vai conferir e responderá assim que puder.",
        handed_over="Está bem, vou passar a uma pessoa da equipe, que escreverá assim que puder.",
        away="Obrigado pela sua mensagem. Neste momento não estamos; responderemos assim que voltarmos.",
        ask_to_repeat="Desculpe, tivemos um problema técnico e a sua última mensagem não chegou completa. "
        "Pode enviá-la outra vez, por favor?",
        cannot_open="Daqui não consigo abrir o que é enviado para ver uma única vez. "
        "Pode enviar da forma normal ou contar-me por escrito, por favor?",
        opted_in="Que bom ter você de volta! Voltaremos a responder às suas mensagens.",
        opted_out="Está bem, não enviaremos mais mensagens. Se mudar de ideia, escreva {word}.",
    ),
}


def texts_for(language: str) -> Texts:
    """The texts of a language code; English for one wabot does not speak."""
    return _TEXTS.get(language, _TEXTS["en"])
