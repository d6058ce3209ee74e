"""Timed attacks on a running server: aim, release, hold, judge."""
