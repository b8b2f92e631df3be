"""Reads the text of a PDF from its standard input, within limits; `pdf` starts it. Writes JSON.

python -m wabot.system.untrusted.pdf_child CPU_SECONDS PAGES CHARACTERS
"""

from __future__ import annotations

import json
import sys

from wabot.system.untrusted.confined import confine


def main(cpu_seconds: int, most_pages: int, most_characters: int) -> int:
    """Write {"text", "is_whole", "is_locked"}; anything that fails is the caller's to explain."""
    confine(cpu_seconds)
    # Not before: what it costs to load counts, too.
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, WrongPasswordError

    texts: list[str] = []
    left, is_whole, is_locked = most_characters, True, False
    try:
        reader = PdfReader(sys.stdin.buffer)
        for number, page in enumerate(reader.pages):
            if number >= most_pages or left <= 0:
                is_whole = False
                break
            text = page.extract_text().strip()
            is_whole = is_whole and len(text) <= left
            texts.append(text[:left])
            left -= len(text)
    except (FileNotDecryptedError, WrongPasswordError):
        is_locked = True
    text = "\n\n".join(filter(None, texts))
    json.dump({"text": text, "is_whole": is_whole, "is_locked": is_locked}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
