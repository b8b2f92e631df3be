"""The long trial under faults: `scripts/soak`. Begin reading in command."""
