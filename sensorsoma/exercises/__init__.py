"""Signals into events: one file per movement, and what is known of the body."""
