"""The host application's own tables, read, and one row written, by contract."""
