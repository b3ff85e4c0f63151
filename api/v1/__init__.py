"""The resources under `/v1`. Each view reads, asks a door, and renders; rules live elsewhere."""
