"""Composes answers: given a conversation, the text parts to send. It knows nothing of the rest of wabot.

Nothing is imported here: who wants the settings or the texts alone need not load what speaks HTTP.
"""
