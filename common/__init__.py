"""What every room may use: errors, clock, canonical bytes, ids, keys, encryption. No Django."""
