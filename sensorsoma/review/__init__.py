"""Afterwards: tables, pictures, the report."""
