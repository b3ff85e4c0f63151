"""People and generators."""
