"""Examines an installation and says what to do; nothing is changed.

    examination    the checks in their order; begin reading here
    finding        what a check is given, and what it returns
    configuration  secrets, permissions, texts
    database       whether it answers, and is as the bot needs it
    session        who holds it, its store, what is left over
    link           what the bot itself says, and how it ended
    models         providers and the day's budget
    monitoring     metrics file and alerts
    machine        unit, clock, disk, network
    library        the client library and what it needs of the system

It asks backup, janitor and status what they know, and never a running bot.
"""
