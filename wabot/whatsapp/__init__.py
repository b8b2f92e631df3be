"""The client library and what it knows: the only package that speaks to it. Begin reading in client."""
