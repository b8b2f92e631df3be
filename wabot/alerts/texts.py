"""The sentences of the alerts: for each problem a title, its cause and the next step, in three languages."""

from __future__ import annotations

from wabot.alerts.texts_of_work import OF_THE_WORK

_OF_THE_LINK: dict[str, dict[str, tuple[str, str, str]]] = {
    "logged_out": {
        "es": (
            "la sesión de WhatsApp está cerrada",
            "El teléfono o WhatsApp han quitado este dispositivo vinculado. El historial se conserva; "
            "nadie recibe respuesta.",
            "mire el teléfono y vincúlelo de nuevo: {pair}",
        ),
        "en": (
            "logged out of WhatsApp",
            "The phone or WhatsApp removed this linked device. The history is kept; nobody is answered.",
            "look at the phone and link it again: {pair}",
        ),
        "pt": (
            "a sessão do WhatsApp foi encerrada",
            "O telefone ou o WhatsApp removeram este dispositivo conectado. O histórico foi mantido; "
            "ninguém recebe resposta.",
            "veja o telefone e conecte-o de novo: {pair}",
        ),
    },
    "replaced": {
        "es": (
            "otro programa ha ocupado la sesión",
            "Otro programa ha entrado con esta misma sesión y el bot se ha detenido para no pelear con él.",
            "detenga el otro programa y arranque el bot: {start}",
        ),
        "en": (
            "another program took over the session",
            "Another program logged in with this very session, and the bot stopped instead of fighting it.",
            "stop the other program, then start the bot: {start}",
        ),
        "pt": (
            "outro programa ocupou a sessão",
            "Outro programa entrou com esta mesma sessão, e o bot parou em vez de disputá-la.",
            "pare o outro programa e inicie o bot: {start}",
        ),
    },
    "outdated": {
        "es": (
            "WhatsApp ya no acepta esta versión",
            "WhatsApp rechaza la biblioteca de cliente por antigua (405).",
            "actualice wabot: git pull && sudo scripts/install --upgrade",
        ),
        "en": (
            "WhatsApp no longer accepts this version",
            "WhatsApp refuses the client library as outdated (405).",
            "upgrade wabot: git pull && sudo scripts/install --upgrade",
        ),
        "pt": (
            "o WhatsApp não aceita mais esta versão",
            "O WhatsApp recusa a biblioteca de cliente por estar desatualizada (405).",
            "atualize o wabot: git pull && sudo scripts/install --upgrade",
        ),
    },
    "pairing_expired": {
        "es": (
            "falta vincular el número",
            "Nadie ha escaneado el código a tiempo y el bot se ha detenido.",
            "vincule el número: {pair}",
        ),
        "en": (
            "the number is not linked",
            "Nobody scanned the code in time, and the bot stopped.",
            "link the number: {pair}",
        ),
        "pt": (
            "falta conectar o número",
            "Ninguém leu o código a tempo, e o bot parou.",
            "conecte o número: {pair}",
        ),
    },
    "failed": {
        "es": (
            "el bot se ha detenido y no sigue intentándolo",
            "WhatsApp rechaza una y otra vez la conexión, o el almacén de la sesión está dañado.",
            "lea la razón y el consejo: {doctor}",
        ),
        "en": (
            "the bot gave up and stopped",
            "WhatsApp keeps refusing the connection, or the session's store is damaged.",
            "read the reason and the advice: {doctor}",
        ),
        "pt": (
            "o bot desistiu e parou",
            "O WhatsApp recusa a conexão repetidamente, ou o armazenamento da sessão está danificado.",
            "leia a razão e o conselho: {doctor}",
        ),
    },
    "banned": {
        "es": (
            "WhatsApp ha bloqueado el número temporalmente",
            "El bloqueo dura hasta {until}. El bot espera y vuelve a conectarse solo.",
            "espere, y no escriba a desconocidos con este número",
        ),
        "en": (
            "WhatsApp banned the number for a while",
            "The ban ends {until}. The bot waits and connects again by itself.",
            "wait, and do not write to strangers with this number",
        ),
        "pt": (
            "o WhatsApp bloqueou o número temporariamente",
            "O bloqueio dura até {until}. O bot espera e se conecta de novo sozinho.",
            "espere, e não escreva a desconhecidos com este número",
        ),
    },
    "unstable": {
        "es": (
            "la conexión se cae una y otra vez",
            "La conexión se ha caído varias veces seguidas nada más abrirse; el bot descansa hasta {until}.",
            "busque otro programa con este mismo número, o un fallo de la red",
        ),
        "en": (
            "the connection falls again and again",
            "The connection fell several times in a row soon after it was up; the bot rests until {until}.",
            "look for another program on this number, or for trouble in the network",
        ),
        "pt": (
            "a conexão cai repetidamente",
            "A conexão caiu várias vezes seguidas logo depois de abrir; o bot descansa até {until}.",
            "procure outro programa neste mesmo número, ou um problema na rede",
        ),
    },
    "offline": {
        "es": (
            "sin conexión con WhatsApp",
            "Hace {span} que no hay conexión. El bot sigue intentándolo; las respuestas esperan.",
            "compruebe la red de la máquina: {doctor}",
        ),
        "en": (
            "no connection to WhatsApp",
            "There has been no connection for {span}. The bot keeps trying; replies wait.",
            "check the machine's network: {doctor}",
        ),
        "pt": (
            "sem conexão com o WhatsApp",
            "Há {span} não há conexão. O bot continua tentando; as respostas esperam.",
            "verifique a rede da máquina: {doctor}",
        ),
    },
}

PROBLEMS = {**_OF_THE_LINK, **OF_THE_WORK}

DETAIL = {"es": "Detalle", "en": "Detail", "pt": "Detalhe"}
NEXT_STEP = {"es": "Qué hacer", "en": "What to do", "pt": "O que fazer"}
OVER = {
    "es": ("vuelve a estar bien", "Ya ha pasado:"),
    "en": ("all is well again", "This is over:"),
    "pt": ("está bem de novo", "Já passou:"),
}
TEST = {
    "es": ("aviso de prueba", "Los avisos de este bot llegan hasta aquí. No pasa nada."),
    "en": ("test of the alerts", "The alerts of this bot arrive here. Nothing is wrong."),
    "pt": ("aviso de teste", "Os avisos deste bot chegam até aqui. Não há nada errado."),
}
