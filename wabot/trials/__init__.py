"""What measures and shows the bot: benchmarks, long trials, the demonstration."""
