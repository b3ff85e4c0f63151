"""Composition root: settings, addresses, entry points. No room imports it."""
