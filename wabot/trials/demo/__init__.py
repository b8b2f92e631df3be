"""The demonstration: `scripts/demo`."""
