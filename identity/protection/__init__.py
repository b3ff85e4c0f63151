"""Sealing what must not lie in the open: clips that wait, templates, and records' signatures."""
