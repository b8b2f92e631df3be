"""What was spoken becomes text: servers that listen, asked in order within what a day may cost.

    chain           asks in order until one has heard it; begin reading here
    transcriber     one server: what it is sent, and what its answer means
    silence         what is heard where nobody speaks
    form            a file on its way there
    sound           what kind of sound a file is, and how long it plays

Circuit, budget, counts and HTTP are those of `brain.providers`. It knows no customer and no WhatsApp.
"""
