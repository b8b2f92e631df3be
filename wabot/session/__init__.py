"""The session directory: who may use it, what is in it, how it goes aside.

    ownership      takes a session into possession, all locks and the database; begin reading here
    lock           the lock of this machine, and the name of whoever holds it
    host_lock      the lock across machines that share a PostgreSQL
    pooler         whether a pooler before that server makes its lock void
    directories    which sessions there are on this disk
    private_files  what other users could read, and closing it
    quarantine     moves a session aside, and back
    reset          starts a number afresh
    logged_out     keeps what a log-out deletes
    store_room     whether the client library's store has room
    store_pruning  deletes what is old in that store

It dials nothing: whoever holds a session may.
"""
