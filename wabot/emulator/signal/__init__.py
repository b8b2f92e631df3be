"""Messages sealed end to end, as Signal does."""
