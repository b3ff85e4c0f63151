"""What can be wrong with the database that the duplicate search needs."""

from __future__ import annotations

from common.errors import Misconfigured


class DatabaseLacksVector(Misconfigured):
    """The extension that the duplicate search scans with can't be had."""

    code = "database_lacks_vector"
    message = (
        "The database needs the extension pgvector, 0.7 or newer: install it on the server, or"
        " have a superuser run CREATE EXTENSION vector in this database."
    )
