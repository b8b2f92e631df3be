"""Chats, messages and rules: what is known and what may be said. No thread, no network."""
