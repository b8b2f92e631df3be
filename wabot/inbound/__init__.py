"""A message's way in: taken over from the library, never lost, stored. Begin reading in intake."""
