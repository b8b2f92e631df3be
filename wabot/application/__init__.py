"""The tables of the application that the database belongs to, read by contract; one row of them is written.

    users           who may have a number; begin reading here
    connections     the table that a dashboard shows: its columns and words
    row             the row of this bot in it, kept true

It creates and changes no table there, and knows of the link only what it is called.
"""
