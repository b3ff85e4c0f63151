"""The attack instruments: pure functions from frames to frames."""
