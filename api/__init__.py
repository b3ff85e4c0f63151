"""REST v1, OAuth, well-known documents, problem documents; no rules live here."""
