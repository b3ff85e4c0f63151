"""The version of this code, as decision records name it; a test holds it to pyproject.toml."""

VERSION = "0.1.0"
