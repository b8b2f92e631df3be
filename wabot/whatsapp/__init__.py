"""The client library and what it knows: the only package that speaks to it.

    client        signals and messages in, messages and files out; alone imports neonize; begin reading here
    signals       what the library's events and errors mean to the state machine
    messages      wabot's own types for what WhatsApp says
    outgoing      what goes out becomes the library's message
    reading       an event becomes an `IncomingMessage`
    uploads       what goes out besides text: a file that WhatsApp keeps, a place
    sealed_edits  opens edits that are sealed, as phones send them
    store         reads the library's own store while no client is open
    store_query   the same while one is open, from a process of its own
    library       the library as a part of this process
    library_log   what its log gives away that no event tells
    lean_import   keeps out what it imports in vain

It knows neither chats nor the database: what comes in is handed up, what goes out is handed down.
"""
