"""The model servers: one call, one after the other, and what they cost.

    chain       asks in order until one answers; begin reading here
    provider    one model
    endpoint    its address: one HTTP call
    request     what it is sent, as this model takes it
    prompt_size makes that shorter for a model with a small context
    guard       what stands before each call
    circuit     leaves one that keeps failing alone
    remembered_refusals
                texts that one would not answer; that one refuses is seen in brain.output.answer
    budget      what a day may cost; kept elsewhere
    counts      what became of the calls

It knows no customer: it is handed messages and gives back a completion.
"""
