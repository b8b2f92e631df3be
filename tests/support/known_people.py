"""People whom the bot knows, and what its owner was told of one."""

from __future__ import annotations

from tests.support.arrivals import NOON
from wabot.conversation.notices import Notice, Unanswered, unanswered_text
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import add_line
from wabot.database.models import Chat

EVA = "34911222333@s.whatsapp.net"
OWNER = "34999888777@s.whatsapp.net"
ANA_WAITS, EVA_WAITS = (unanswered_text(name, Unanswered.NOT_KNOWN, "en") for name in ("Ana", "Eva"))


def tell_owner_about(*phones: str) -> None:
    """Tell the owner, in one message, that these people asked what the bot does not know."""
    own = Chat.create(user_id="shop", contact=OWNER, jid=OWNER, phone="34999888777", created_at=NOON)
    chats = [Chat.get(Chat.user_id == "shop", Chat.phone == phone) for phone in phones]
    notice = Outbox("shop").notify(own.id, "", Notice.UNANSWERED, NOON)
    for chat in chats:
        add_line(notice, unanswered_text(chat.name, Unanswered.NOT_KNOWN, "en"), chat.id)
