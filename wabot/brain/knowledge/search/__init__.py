"""What a question means, in words: told of any business's texts, in three languages.

Begin reading in:
    understanding   a question becomes units that can be looked for
    subjects        what customers of any business ask about; phrases and days are what they say for it
    weighing        how well a fact fits these units
    terms, spelling words, their stems, and what was mistyped for them
    questions       takes a message apart that asks several things

It knows no text: those are looked up by `knowledge/index`.
"""
