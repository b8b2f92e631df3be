"""A reply's way out: paced, sent once, confirmed. Begin reading in sender."""
