"""What came of a call of a model, and its text made fit for a customer.

    answer          reads a server's answer, and sees a refusal; begin reading here
    body            the bytes: compressed, streamed, JSON or not
    completion      an answer and what it took, or why there is none
    complaints      why a server refuses
    reply_text      what of the text is for the customer, in this order:
    thoughts, turns, tool_calls, control_words, cleaning
                    each takes one thing off
    splitting       cuts it into messages

All of it is pure: it knows no network and no clock.
"""
