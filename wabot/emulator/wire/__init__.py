"""The bytes on the line: frames, noise, stanzas."""
