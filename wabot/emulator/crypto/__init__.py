"""What the emulator computes with keys."""
