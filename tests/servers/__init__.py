"""Servers that tests start for themselves, and end."""
