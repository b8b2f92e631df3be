"""A chat that waits becomes replies in the outbox.

    worker      takes a chat whose customer fell silent, and asks the gate about it; begin reading here
    answering   asks the brain, and stores what there is to say, or tells the owner
    disclosure  says once in each conversation that an assistant answers
    escalation  leaves chats to a person, and tells the owner
    context     a chat's rows as what the gate looks at, and what the brain is asked
    files       the files that came with its messages, and what is said of those unread
    budget      what models may cost in a day

It shows "typing…" through outbound.chat_presence; else it knows nothing of how replies leave, and nothing
of how messages came.
"""
