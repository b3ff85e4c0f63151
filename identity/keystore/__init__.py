"""Wrapped data keys, in a database of their own."""

ALIAS = "keystore"
"""Of the database in settings, and the app's label."""
