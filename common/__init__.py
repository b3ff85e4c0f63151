"""What every room may use: errors, clock, canonical bytes, ids, keyring, envelope encryption. No Django."""
