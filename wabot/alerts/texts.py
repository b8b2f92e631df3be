"""The sentences of the alerts: for each problem a title, its cause and the next step, in three languages."""

from __future__ import annotations

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

# By condition and language: a title, its cause, and the next step.
PROBLEMS: dict[str, dict[str, tuple[str, str, str]]] = {
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
    "database_away": {
        "es": (
            "la base de datos no responde",
            "Los mensajes se guardan en el disco y se contestan cuando vuelva; ninguno se pierde.",
            "compruebe la base de datos: {doctor}",
        ),
        "en": (
            "the database does not answer",
            "Messages are kept on disk and answered when it is back; none is lost.",
            "check the database: {doctor}",
        ),
        "pt": (
            "o banco de dados não responde",
            "As mensagens ficam no disco e são respondidas quando ele voltar; nenhuma se perde.",
            "verifique o banco de dados: {doctor}",
        ),
    },
    "replies_stuck": {
        "es": (
            "las respuestas no salen",
            "Hay {count} respuestas por enviar y no sale ninguna desde hace {minutes} min, con conexión.",
            "mire qué pasa: sudo journalctl -u {unit}",
        ),
        "en": (
            "replies do not go out",
            "There are {count} replies to send and none has left for {minutes} min, with the link up.",
            "see what happens: sudo journalctl -u {unit}",
        ),
        "pt": (
            "as respostas não saem",
            "Há {count} respostas por enviar e nenhuma saiu em {minutes} min, embora haja conexão.",
            "veja o que acontece: sudo journalctl -u {unit}",
        ),
    },
    "replies_lost": {
        "es": (
            "respuestas sin entregar",
            "WhatsApp ha rechazado {count} respuestas, o eran ya demasiado viejas.",
            "mire cuáles y por qué: sudo journalctl -u {unit}",
        ),
        "en": (
            "replies not delivered",
            "WhatsApp refused {count} replies, or they had become too old.",
            "see which and why: sudo journalctl -u {unit}",
        ),
        "pt": (
            "respostas não entregues",
            "O WhatsApp recusou {count} respostas, ou já eram velhas demais.",
            "veja quais e por quê: sudo journalctl -u {unit}",
        ),
    },
    "replies_late": {
        "es": (
            "los clientes esperan demasiado",
            "Hay {count} respuestas que esperan turno desde hace más de {minutes} min: al minuto salen "
            "{limit} como mucho.",
            "suba replies.per_minute si quiere, o mire quién escribe tanto: sudo journalctl -u {unit}",
        ),
        "en": (
            "customers wait too long",
            "{count} replies have waited their turn for more than {minutes} min: {limit} leave in a "
            "minute at most.",
            "raise replies.per_minute if you like, or see who writes so much: sudo journalctl -u {unit}",
        ),
        "pt": (
            "os clientes esperam demais",
            "Há {count} respostas esperando a vez há mais de {minutes} min: por minuto saem no máximo "
            "{limit}.",
            "aumente replies.per_minute se quiser, ou veja quem escreve tanto: sudo journalctl -u {unit}",
        ),
    },
    "no_room": {
        "es": (
            "el disco está lleno y el bot ha colgado",
            "Sin sitio perdería mensajes; WhatsApp los guarda hasta que lo haya.",
            "libere espacio: df -h, sudo journalctl --vacuum-size=200M; el bot vuelve solo",
        ),
        "en": (
            "the disk is full and the bot has hung up",
            "Without room it would lose messages; WhatsApp keeps them until there is some.",
            "free some space: df -h, sudo journalctl --vacuum-size=200M; the bot comes back by itself",
        ),
        "pt": (
            "o disco está cheio e o bot desligou",
            "Sem espaço perderia mensagens; o WhatsApp guarda-as até que haja.",
            "libere espaço: df -h, sudo journalctl --vacuum-size=200M; o bot volta sozinho",
        ),
    },
    "disk_low": {
        "es": (
            "queda poco disco",
            "Quedan {megabytes} MB libres donde el bot guarda los mensajes.",
            "libere espacio: df -h, sudo journalctl --vacuum-size=200M",
        ),
        "en": (
            "the disk is nearly full",
            "{megabytes} MB are left where the bot stores messages.",
            "free some space: df -h, sudo journalctl --vacuum-size=200M",
        ),
        "pt": (
            "resta pouco disco",
            "Restam {megabytes} MB livres onde o bot guarda as mensagens.",
            "libere espaço: df -h, sudo journalctl --vacuum-size=200M",
        ),
    },
    "clock_wrong": {
        "es": (
            "el reloj de la máquina está mal",
            "Se cuenta con la hora de WhatsApp, y se responde a todos; pero el registro, las copias y la "
            "limpieza llevan la hora de la máquina.",
            "póngalo en hora: sudo timedatectl set-ntp true",
        ),
        "en": (
            "the machine's clock is wrong",
            "WhatsApp's time is used instead, and everybody is answered; but the journal, backups and the "
            "janitor go by the machine's.",
            "set it right: sudo timedatectl set-ntp true",
        ),
        "pt": (
            "o relógio da máquina está errado",
            "Usa-se a hora do WhatsApp, e todos recebem resposta; mas o registro, os backups e a limpeza "
            "seguem a hora da máquina.",
            "acerte-o: sudo timedatectl set-ntp true",
        ),
    },
    "model_down": {
        "es": (
            "ningún modelo contesta",
            "Desde hace {span} ningún modelo da respuesta. Contesta la base de conocimiento; lo "
            "que no sabe se guarda mientras sea reciente.",
            "compruebe la dirección, la clave y el saldo: {doctor_online}",
        ),
        "en": (
            "no model answers",
            "No model has answered for {span}. The knowledge base answers; what it does not know "
            "is kept while it is fresh.",
            "check address, key and credit: {doctor_online}",
        ),
        "pt": (
            "nenhum modelo responde",
            "Há {span} nenhum modelo responde. A base de conhecimento responde; o que ela não "
            "sabe é guardado enquanto for recente.",
            "verifique o endereço, a chave e o saldo: {doctor_online}",
        ),
    },
    "transcriber_down": {
        "es": (
            "nadie escucha los audios",
            "Desde hace {span} no contesta ningún transcriptor. A quien envía un audio se le pide que lo "
            "escriba.",
            "compruebe la dirección, la clave y el saldo: {doctor_online}",
        ),
        "en": (
            "nobody listens to voice notes",
            "No transcriber has answered for {span}. Whoever sends a voice note is asked to write.",
            "check address, key and credit: {doctor_online}",
        ),
        "pt": (
            "ninguém escuta os áudios",
            "Há {span} nenhum transcritor responde. A quem envia um áudio pede-se que escreva.",
            "verifique o endereço, a chave e o saldo: {doctor_online}",
        ),
    },
    "budget_spent": {
        "es": (
            "el presupuesto diario del modelo está agotado",
            "Límite de {limit}: {spent}. Hasta medianoche contesta el siguiente modelo o la base de "
            "conocimiento; lo que no saben se guarda mientras sea reciente.",
            "suba ese límite, o espere a medianoche",
        ),
        "en": (
            "the model's budget for the day is spent",
            "Limit of {limit}: {spent}. Until midnight the next model or the knowledge base answers; what "
            "they do not know is kept while it is fresh.",
            "raise that limit, or wait for midnight",
        ),
        "pt": (
            "o orçamento diário do modelo acabou",
            "Limite de {limit}: {spent}. Até a meia-noite responde o próximo modelo ou a base de "
            "conhecimento; o que eles não sabem é guardado enquanto for recente.",
            "aumente esse limite, ou espere a meia-noite",
        ),
    },
    "janitor_refused": {
        "es": (
            "la limpieza se niega a trabajar",
            "Tal como están las cosas no puede limpiar sin peligro, y no borra nada.",
            "lea la razón y el consejo: {janitor}",
        ),
        "en": (
            "the janitor refuses to clean",
            "As things are it cannot clean safely, and it deletes nothing.",
            "read the reason and the advice: {janitor}",
        ),
        "pt": (
            "a limpeza se recusa a trabalhar",
            "Do jeito que as coisas estão não pode limpar com segurança, e não apaga nada.",
            "leia a razão e o conselho: {janitor}",
        ),
    },
    "process_failed": {
        "es": (
            "el servicio {unit} ha fallado",
            "El servicio ha terminado y systemd no lo arranca de nuevo.",
            "mire por qué: systemctl status {unit}",
        ),
        "en": (
            "the service {unit} failed",
            "The service ended, and systemd does not start it again.",
            "see why: systemctl status {unit}",
        ),
        "pt": (
            "o serviço {unit} falhou",
            "O serviço terminou, e o systemd não o inicia de novo.",
            "veja por quê: systemctl status {unit}",
        ),
    },
}
