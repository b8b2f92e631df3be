"""One process serving one number: builds the parts, runs the main loop, stops in order."""
