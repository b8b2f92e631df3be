"""The model servers: one call, one after the other, and what they cost. Begin reading in chain."""
