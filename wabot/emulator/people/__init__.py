"""Customers, groups and the owner's phone, each with devices of their own."""
