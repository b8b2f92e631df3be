"""All that is kept about one person: shown, or erased.

    export         what there is, ready for JSON; begin reading here
    erasure        the same, erased
    person         whom a number means: chats, names, messages in groups
    library_store  erases from the client library's own store

It knows every place where something of a person is kept; whoever adds such a place adds it here.
"""
