"""Composes answers: given a conversation, the text parts to send.

    brain           the model's answer, else the texts', else a polite sentence; begin reading here
    settings        what a brain is told once
    conversation    what was said, and how much of it is kept
    pictures        what a customer sent, as a model is shown it
    prompt          what the model reads
    offered_files   what the texts link to, and goes with an answer
    language, folding, small_talk, for_person, payment, texts
                    what needs no model
    knowledge       what the business wrote about itself
    providers       the model servers
    output          what they answered, made fit for a customer
    guard           what of it stands in what they were shown

Of wabot it knows the operating system alone. Nothing is imported here: who wants the settings or the texts
need not load what speaks HTTP.
"""
