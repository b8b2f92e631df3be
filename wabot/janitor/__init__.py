"""Deletes and quarantines what is no longer needed. Begin reading in run."""
