"""Keeps a model's answer to what it was shown: each price, time, link and the like must stand there.

    verdict         what of an answer is not supported; begin reading here
    shown           the texts and the chat, as statements that support something
    association     whether a statement is about what the answer speaks of
    arithmetic      a quantity times a price, and sums
    statements      cuts a text into claims, each with the words it goes with
    claims          finds the claims of a line, by these:
    amounts, contacts, moments, stock
                    one kind of claim each
    claim, numbers  what a claim is, and how numbers are written

All of it is pure, and works on folded text: lower case, no accents. It knows no model and no network.
"""
