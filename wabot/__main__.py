"""`python -m wabot` is the same as the command `wabot`."""

import gc

# What is imported stays: to look through it for garbage again and again takes a tenth of a start.
gc.disable()

from wabot.cli import entry_point  # noqa: E402

gc.enable()
entry_point()
