"""Root becomes the owner of the state before it touches anything there. Begin reading in owner."""
