"""A message's way in: taken over from the client library, never lost, stored.

    intake          makes a message safe while the library waits; begin reading here
    reception       looks up its chat, asks the gate, stores it
    consequences    what follows: pauses, opt-outs, edits, what the owner is told
    drain, spool    what the database cannot take is kept on disk, and brought there later, in order
    lost_messages   what the library acknowledged and never handed over

It tells conversation.schedule which chat has something to answer, and knows nothing of who answers.
"""
