"""`python -m wabot` is the same as the command `wabot`."""

from wabot.cli import entry_point

entry_point()
