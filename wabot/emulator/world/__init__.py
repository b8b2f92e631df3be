"""What the emulated servers remember, and the faults that they were asked for."""
