"""Notices that something is wrong, writes it down, and tells the owner once. Begin reading in watcher."""
