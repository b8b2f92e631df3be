"""wabot's own tables, in SQLite or PostgreSQL. Begin reading in engine."""
