"""OAuth endpoints that are called by programs; the page that asks a person is in `web`."""
