"""One process serving one number: builds the parts, runs the main loop, stops in order.

    service         the bot's main loop: signals to the state machine, its commands carried out; begin here
    pipeline        the way of a message through the process, and its threads
    loop            the main loop, which the service and a pairing share
    events          what wakes the main loop: the link, and whoever wants an end
    supervisor      finds what hangs, and feeds systemd's watchdog while nothing does
    health          what each thread promised, and by when
    clock_watch     notices that the machine's clock is set, or wrong
    shutdown        the order of stopping that loses nothing
    pairing         a number's first dial, while somebody looks on
    pairing_screen  what that person sees
    picture_file    the pairing code as a picture

It feeds alerts and status and decides nothing of what is answered.
"""
