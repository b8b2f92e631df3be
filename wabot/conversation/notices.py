"""What wabot says of its own accord, to customers and to the owner; all else is the brain's."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from wabot.brain.texts import LANGUAGES, texts_for
from wabot.config.settings import ChatSettings
from wabot.database.models import Chat
from wabot.database.states import PauseReason


class Notice(StrEnum):
    """What kind of text it is that wabot says by itself, as the source of a row of the outbox."""

    APOLOGY = "apology"
    TEXT_ONLY = "text-only"
    FOR_PERSON = "for-person"
    AWAY = "away"
    HANDED_OVER = "handed-over"
    OPTED_OUT = "opted-out"
    OPTED_IN = "opted-in"
    STATUS = "status"
    UNANSWERED = "unanswered"
    ASK_TO_REPEAT = "ask-to-repeat"
    CANNOT_OPEN = "cannot-open"
    TO_CHECK = "to-check"
    PASSED_ON = "passed-on"


NOTICES = tuple(Notice)
TO_OWNER = (Notice.STATUS, Notice.UNANSWERED, Notice.PASSED_ON)
SENT_ALTHOUGH_OPTED_OUT = (Notice.OPTED_OUT, *TO_OWNER)
SENT_ALTHOUGH_PAUSED = (*SENT_ALTHOUGH_OPTED_OUT, Notice.HANDED_OVER, Notice.OPTED_IN)


class MayPass(NamedTuple):
    """Whether a text may be said although its customer opted out, and although its chat is paused."""

    although_opted_out: bool
    although_paused: bool


def may_pass(source: str) -> MayPass:
    """Despite what a text from this source may be said."""
    return MayPass(source in SENT_ALTHOUGH_OPTED_OUT, source in SENT_ALTHOUGH_PAUSED)


def chat_that_may_be_told(chat_id: Any, passes: MayPass, now: Any) -> Any:
    """A query that finds a chat only if what may pass these bars may be said there now.

    Args:
        chat_id: the chat; also a parameter of a statement.
        passes: despite what.
        now: naive UTC; also a parameter.
    """
    chat = Chat.select(Chat.id).where(Chat.id == chat_id)
    if not passes.although_opted_out:
        chat = chat.where(Chat.opted_out_at.is_null())
    if not passes.although_paused:
        chat = chat.where((Chat.pause_reason == "") | (Chat.paused_until <= now))
    return chat


class Unanswered(StrEnum):
    """Why a customer has no answer from the bot."""

    NOT_KNOWN = "unanswered"
    NO_MODEL = "no_model"
    TOO_OLD = "too_old"
    UNSURE = "unsure"
    NOT_READ = "not_read"
    NOT_HEARD = "not_heard"
    NOT_SEEN = "not_seen"
    NOT_WATCHED = "not_watched"
    DOCUMENT = "document"
    GOES_ON = "goes_on"
    CLOSED = "closed"
    FILE_NOT_SENT = "file_not_sent"
    PAYMENT = "payment"


_OWNER_TEXTS = {
    "es": {
        "answers": "{head}respondo.",
        "paused": "{head}no respondo ({why}) hasta el {until}.",
        "paused_for_good": "{head}no respondo ({why}) hasta nuevo aviso.",
        "opted_out": "{head}pidió que no le escribamos.",
        "none_paused": "🤖 Respondo en todos los chats.",
        Unanswered.NOT_KNOWN: "{head}pregunta algo que no sé responder.",
        Unanswered.NO_MODEL: "{head}espera respuesta; ahora no contesta ningún modelo.",
        Unanswered.TOO_OLD: "{head}escribió hace demasiado para que yo le conteste.",
        Unanswered.UNSURE: "{head}quizá no recibió mi respuesta; su teléfono no la confirma.",
        Unanswered.NOT_READ: "{head}envió algo que solo puede leer una persona.",
        Unanswered.NOT_HEARD: "{head}envió un audio que no he podido escuchar.",
        Unanswered.NOT_SEEN: "{head}envió una foto que no he podido ver.",
        Unanswered.NOT_WATCHED: "{head}envió un video que no puedo ver.",
        Unanswered.PAYMENT: "{head}envió lo que puede ser un comprobante de pago; no he confirmado nada.",
        Unanswered.DOCUMENT: "{head}envió un documento que no he podido leer.",
        Unanswered.GOES_ON: "{head}sigue escribiendo; por ahora no le contesto más.",
        Unanswered.CLOSED: "{head}escribió fuera de horario.",
        Unanswered.FILE_NOT_SENT: "{head}no pude enviarle un archivo que iba con mi respuesta.",
        PauseReason.OWNER: "usted escribió",
        PauseReason.COMMAND: "usted lo pidió",
        PauseReason.ESCALATED: "quiere hablar con una persona",
        PauseReason.LOOP: "parece otro bot",
        PauseReason.SHUT_OUT: "WhatsApp no me deja escribirle; conteste desde el teléfono",
    },
    "en": {
        "answers": "{head}I answer.",
        "paused": "{head}I keep quiet ({why}) until {until}.",
        "paused_for_good": "{head}I keep quiet ({why}) until you say otherwise.",
        "opted_out": "{head}asked not to be written to.",
        "none_paused": "🤖 I answer in every chat.",
        Unanswered.NOT_KNOWN: "{head}asks something I cannot answer.",
        Unanswered.NO_MODEL: "{head}waits for an answer; no model answers now.",
        Unanswered.TOO_OLD: "{head}wrote too long ago for me to answer.",
        Unanswered.UNSURE: "{head}may not have got my answer; their phone does not confirm it.",
        Unanswered.NOT_READ: "{head}sent something that only a person can read.",
        Unanswered.NOT_HEARD: "{head}sent a voice message that I could not listen to.",
        Unanswered.NOT_SEEN: "{head}sent a picture that I could not look at.",
        Unanswered.NOT_WATCHED: "{head}sent a video that I cannot watch.",
        Unanswered.PAYMENT: "{head}sent what may be a proof of payment; I have confirmed nothing.",
        Unanswered.DOCUMENT: "{head}sent a document that I could not read.",
        Unanswered.GOES_ON: "{head}goes on writing; for now I answer no more.",
        Unanswered.CLOSED: "{head}wrote outside business hours.",
        Unanswered.FILE_NOT_SENT: "{head}I could not send a file that went with my answer.",
        PauseReason.OWNER: "you wrote",
        PauseReason.COMMAND: "you asked for it",
        PauseReason.ESCALATED: "wants to talk to a person",
        PauseReason.LOOP: "looks like another bot",
        PauseReason.SHUT_OUT: "WhatsApp does not let me write there; answer from the phone",
    },
    "pt": {
        "answers": "{head}respondo.",
        "paused": "{head}não respondo ({why}) até {until}.",
        "paused_for_good": "{head}não respondo ({why}) até novo aviso.",
        "opted_out": "{head}pediu que não lhe escrevêssemos.",
        "none_paused": "🤖 Respondo em todas as conversas.",
        Unanswered.NOT_KNOWN: "{head}pergunta algo que não sei responder.",
        Unanswered.NO_MODEL: "{head}espera resposta; agora nenhum modelo responde.",
        Unanswered.TOO_OLD: "{head}escreveu há tempo demais para eu responder.",
        Unanswered.UNSURE: "{head}talvez não tenha recebido minha resposta; o telefone não a confirma.",
        Unanswered.NOT_READ: "{head}enviou algo que só uma pessoa pode ler.",
        Unanswered.NOT_HEARD: "{head}enviou um áudio que não consegui ouvir.",
        Unanswered.NOT_SEEN: "{head}enviou uma foto que não consegui ver.",
        Unanswered.NOT_WATCHED: "{head}enviou um vídeo que não consigo ver.",
        Unanswered.PAYMENT: "{head}enviou o que pode ser um comprovante de pagamento; não confirmei nada.",
        Unanswered.DOCUMENT: "{head}enviou um documento que não consegui ler.",
        Unanswered.GOES_ON: "{head}continua escrevendo; por enquanto não respondo mais.",
        Unanswered.CLOSED: "{head}escreveu fora do horário.",
        Unanswered.FILE_NOT_SENT: "{head}não consegui enviar um arquivo que ia com a minha resposta.",
        PauseReason.OWNER: "você escreveu",
        PauseReason.COMMAND: "você pediu",
        PauseReason.ESCALATED: "quer falar com uma pessoa",
        PauseReason.LOOP: "parece outro bot",
        PauseReason.SHUT_OUT: "o WhatsApp não me deixa escrever; responda pelo telefone",
    },
}
_APOLOGIES = frozenset(texts_for(language).cannot_answer for language in LANGUAGES)


def is_apology(parts: tuple[str, ...]) -> bool:
    """Whether an answer of the brain only says that it has none."""
    return parts[:1] != () and parts[0] in _APOLOGIES


def opted_out_text(text: str, chats: ChatSettings, language: str) -> str:
    """The confirmation of an opt-out, with the word that undoes it.

    Args:
        text: what the customer wrote: the n-th word out is undone by the n-th word in.
        chats: the settings with both lists of words.
        language: the customer's.
    """
    words = chats.opt_in_words
    if not words:
        return texts_for(language).opted_out.partition(".")[0] + "."
    place = next((at for at, word in enumerate(chats.opt_out_words) if word.lower() in text.lower()), 0)
    return texts_for(language).confirm_opt_out(words[place] if place < len(words) else words[0])


def head_of(who: str) -> str:
    """How every line to the owner about somebody begins."""
    return f"🤖 {who}: "


def chat_status_text(
    who: str, reason: str, until: datetime | None, opted_out: bool, language: str, zone: ZoneInfo | None
) -> str:
    """How things stand in one chat, for the owner.

    Args:
        who: the customer's name or number.
        reason: why the chat is paused, "" when it is not.
        until: the end of the pause, naive UTC; None = until it is resumed.
        opted_out: whether the customer asked not to be written to.
        language: the account's.
        zone: where the owner is; None is the machine's zone.
    """
    texts = _OWNER_TEXTS[language]
    if opted_out:
        return texts["opted_out"].format(head=head_of(who))
    if not reason:
        return texts["answers"].format(head=head_of(who))
    why = texts.get(reason, reason)
    if until is None:
        return texts["paused_for_good"].format(head=head_of(who), why=why)
    local = until.replace(tzinfo=UTC).astimezone(zone)
    return texts["paused"].format(head=head_of(who), why=why, until=f"{local:%d/%m %H:%M}")


def none_paused_text(language: str) -> str:
    """What the owner is told when no chat is paused."""
    return _OWNER_TEXTS[language]["none_paused"]


def unanswered_text(who: str, why: Unanswered, language: str, what: str = "") -> str:
    """What the owner is told of a customer whom the bot does not answer.

    Args:
        who: the customer's name or number.
        why: that is so.
        language: the account's.
        what: it is about, as the name of a file; the words of others.
    """
    text = _OWNER_TEXTS[language][why].format(head=head_of(who))
    return f"{text} «{what}»" if what else text
