"""A WhatsApp service on loopback, which the unmodified client library pairs with and logs in to.

For the demonstration, the tests and the benchmark. Nothing else in wabot imports it.
"""
