"""The session directory and who may use it. Begin reading in ownership."""
