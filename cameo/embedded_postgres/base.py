"""Django's PostgreSQL backend, which first starts the embedded server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base

from cameo.embedded_postgres import ensure_running


class DatabaseWrapper(base.DatabaseWrapper):
    """`SERVER_FOLDER` in the database's settings says where the server keeps its data."""

    def get_connection_params(self) -> dict[str, Any]:
        server = ensure_running(Path(self.settings_dict["SERVER_FOLDER"]))
        self.settings_dict.update(HOST=server["host"], PORT=server["port"], USER=server["user"])
        return super().get_connection_params()
