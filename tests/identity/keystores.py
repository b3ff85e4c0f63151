"""A keystore that doesn't answer."""

from __future__ import annotations

import pytest
from django.db import connections

from cameo.local import free_port
from identity.keystore import ALIAS


def take_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the keystore at a port of this machine where nobody listens, in a transactional test.

    `monkeypatch.undo()` brings it back.
    """
    connection = connections[ALIAS]
    connection.close()
    dead = {"host": "127.0.0.1", "port": free_port(), "dbname": "gone", "user": "nobody"}
    monkeypatch.setattr(connection, "get_connection_params", lambda: dict(dead))
