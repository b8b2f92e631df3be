"""The documentation: pages that `wabot help` shows, and what is made from the program.

    *.md        the pages; source.md is the map of the program
    tables      the tables in the pages
    example     the example configuration
    manual      the manual page, and the completion in bash

Nothing in the program imports it; `wabot help` reads the pages as files.
"""
