"""Judges the line to WhatsApp: the state machine, and the threads on the line. Begin reading in states."""
