"""Chats, messages and rules: what is known of a conversation, and what may be said in it.

    gate            what becomes of a message, and why: every rule; begin reading here
    ends            what can come, and its end
    inbox, outbox   messages to answer, replies to send: what puts them in and takes them back
    send_queue      the outbox as the sender sees it
    files           the files that come with messages, and those that go out
    chats           the chat that a message belongs to
    history         questions about the past
    schedule        which chat is answered when
    pauses          paused chats, and customers who are not written to
    notices         what wabot says by itself
    owner_chat      what the owner is told
    bursts          which chats are receiving at this moment
    consent, outreach
                    whom the bot may write to unasked, and what waits to be written

It has no thread and no network: it is called by what brings messages in, answers them and sends replies, and
knows nothing of them.
"""
