"""Deletes what is no longer needed, and moves aside what may be missed.

    run             one run over everything; begin reading here
    sweep           what every sweep is given, and how it tells what it does
    rows            stale rows of the application's table of connections
    directories     session directories of nobody
    history         old messages, and what the client library keeps of them
    plausible_time  whether the clock can be right, before anything is judged by its age

What lives is told by its lock alone: it never asks a running bot, and never waits for one.
"""
