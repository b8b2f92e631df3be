"""A reply's way out: paced, sent once, confirmed.

    sender          the only thread that sends; begin reading here
    upload          has files uploaded, on threads that may be lost
    pacing          when each reply may leave
    unconfirmed     sends without acknowledgement, and what a crash left
    receipts        what customers' phones confirm or cannot read
    receipt_file    keeps that until the database has it
    chat_presence   blue ticks, "typing…", and the account's own presence

It takes replies from conversation.send_queue and knows nothing of how they came to be there.
"""
