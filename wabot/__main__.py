"""`python -m wabot` is the same as the command `wabot`."""

import gc
import signal

# What is imported stays: to look through it for garbage again and again takes a tenth of a start.
gc.disable()
# Nothing has begun that would have to be ended in order: Ctrl-C just ends it, without a traceback.
_on_interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)

from wabot.cli.parser import entry_point  # noqa: E402

signal.signal(signal.SIGINT, _on_interrupt)
gc.enable()


def main() -> None:
    """The console script."""
    entry_point()


if __name__ == "__main__":
    main()
