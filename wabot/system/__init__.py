"""The operating system: files, HTTP, logs, systemd, terminals.

    files           files that others may have put there, or read at any moment
    untrusted       what may be hostile is read by a process with limits
    http            calls that end in time
    logs, masking   where log lines go, and what never stands in them
    notify, units   systemd: what it is told, asked, and has installed
    process         memory, stacks, the end of a process; other programs
    threads         threads that work step by step, and what they promise
    start_turn      bots that start one after another
    terminal, qr    what is shown to a person there

It knows nothing of WhatsApp, of chats and of the configuration.
"""
