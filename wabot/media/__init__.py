"""A file that came with a message becomes text, or a picture for a model, and nothing of it stays.

    worker      the thread: claims a row, fetches its file, has it read, settles it; begin reading here
    workers     builds them, with who reads which kind of file
    first_file  waits for the first of them, and loads all this then
    picture, document
                who makes pictures small, who reads documents
    voice       who listens to voice notes
    fetch       from a media host to a file on this machine, checked
    cipher      what a file is sealed with
    directory   where files lie meanwhile

It never speaks to the client library, and works while the link is down. What
follows from what a customer said is decided on the way in.
"""
