"""Streaming signal processing on arrays; knows nothing of people or plans."""
