"""`python -m wabot.emulator` is `wabot emulator`."""

import sys

from wabot.emulator.command import main

sys.exit(main(sys.argv[1:]))
