"""wabot's own tables, in SQLite or PostgreSQL.

    engine              opens the database and migrates it; begin reading here
    models              the tables, as peewee models
    migrations          how they came to be what they are, one step a file
    tables              whether all are there, and which can be made again
    statements          queries that are rendered once
    transactions        writing in turn, as durable as each has to be
    workers             threads that live with its being away
    kept_figures        what is counted again only after a change
    errors, refusals    what heals by itself, and what a person must mend
    address, lent_connections
                        how PostgreSQL is reached, and its connections shared
    catalogue           what tables of other programs are really called

It knows no rule of a conversation: what the rows mean is decided above.
"""
