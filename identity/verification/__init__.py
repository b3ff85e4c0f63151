"""Deciding on a capture: one claim, one analysis, one transaction that settles it."""
