"""What came of a call of a model, and its text made fit for a customer. Begin reading in answer."""
