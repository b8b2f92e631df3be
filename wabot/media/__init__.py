"""A file that came with a message becomes text, or a picture for a model, and nothing of it stays.

    worker      the thread: claims a row, fetches its file, has it read, settles the row; begin reading here
    limits      what is fetched at all, and within which time
    fetch       from a media host to a file on this machine, checked
    cipher      what a file is sealed with
    directory   where files lie meanwhile
    voice       who listens to voice notes
    sound       what kind of sound a file is, and how long it plays

It never speaks to the client library, and works while the link is down. Whoever reads a kind of file, as
`voice`, is a `Reader` of `worker`; what follows from what a customer said is decided on the way in.
"""
