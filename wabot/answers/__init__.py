"""A chat that waits becomes replies in the outbox.

    worker      takes a chat whose customer fell silent, and asks the gate about it; begin reading here
    answering   asks the brain, and stores what there is to say, or tells the owner
    context     a chat's rows as what the gate and the brain look at
    budget      what models may cost in a day

It knows nothing of how messages came, or of how replies leave.
"""
