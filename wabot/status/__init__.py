"""What the bot says about itself, and how that is read back.

    record        writes the row in wabot_sessions, on its own thread; begin reading here
    reporter      tells the journal, systemd and the record what changed
    sessions      reads it back: what every session is doing
    table         the same for people: `wabot status`
    conversations who waits, what was said, what is still to be sent
    metrics       the metrics' names and values
    metrics_file  writes them where Prometheus finds them

It shows; nothing of the bot is decided by what it shows.
"""
