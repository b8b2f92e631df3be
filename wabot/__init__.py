"""wabot answers a WhatsApp number with an AI, day and night, from one small Linux process.

Each package says in its `__init__` what it is for, where to begin reading, and what it may not know. A
docstring begins with the verb of what is done, or with what is returned; `Args:`, `Returns:`, `Raises:` and
`Attributes:` follow where the signature leaves something open. "Pure" is what neither reads nor writes, and
is told the time.
"""

__version__ = "0.1.0"
