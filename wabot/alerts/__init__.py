"""Notices that something is wrong, writes it down, and tells the owner once; and once that it is over.

    watcher           the bot's thread that looks now and then; begin reading here
    checks            what is wrong: link, replies, pace, disk, clock, models, budget
    units             what is wrong: a systemd unit that failed, a janitor that refused
    dispatcher        compares that with what the owner knows, queues notices and delivers them
    notification_log  what the owner knows and what is still to deliver, and its file
    notice            a problem becomes a notice; what a channel is
    texts             every sentence, in three languages
    mail, webhook     the two channels

It looks at the bot from outside: nothing of the bot waits for it, or knows it but for the service.
"""
