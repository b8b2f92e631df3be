"""Turns a chat that waits into replies in the outbox. Begin reading in worker."""
