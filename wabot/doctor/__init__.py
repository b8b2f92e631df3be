"""Examines an installation and says what to do. Begin reading in examination."""
