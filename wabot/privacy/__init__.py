"""Everything about one person: export and forget. Begin reading in person."""
