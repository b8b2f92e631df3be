"""The sentences of alerts about the bot's work: what it stores, sends, asks and cleans."""

from __future__ import annotations

OF_THE_WORK: dict[str, dict[str, tuple[str, str, str]]] = {
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
    "budget_spent": {
        "es": (
            "el presupuesto diario del modelo está agotado",
            "Límite de {limit}: {spent}. Hasta medianoche contesta el siguiente modelo o la base de "
            "conocimiento; lo que no saben se guarda mientras sea reciente.",
            "suba calls_per_day o tokens_per_day, o espere a medianoche",
        ),
        "en": (
            "the model's budget for the day is spent",
            "Limit of {limit}: {spent}. Until midnight the next model or the knowledge base answers; what "
            "they do not know is kept while it is fresh.",
            "raise calls_per_day or tokens_per_day, or wait for midnight",
        ),
        "pt": (
            "o orçamento diário do modelo acabou",
            "Limite de {limit}: {spent}. Até a meia-noite responde o próximo modelo ou a base de "
            "conhecimento; o que eles não sabem é guardado enquanto for recente.",
            "aumente calls_per_day ou tokens_per_day, ou espere a meia-noite",
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
