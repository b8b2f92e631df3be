"""The line to WhatsApp: what it is, what may happen to it, and the threads on it.

    states      the states, what can happen, and the one table that joins them; begin reading here
    connection  the state machine: pure, it returns what to do next
    dialer      the thread that dials and stays on the line
    prober      a second opinion, from a thread that may hang

It judges signals and knows neither chats nor the database.
"""
