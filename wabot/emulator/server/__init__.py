"""WhatsApp's servers: what a client dials, and what it is answered."""
