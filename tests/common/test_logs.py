"""JSON log lines."""

from __future__ import annotations

import json
import logging
import sys

from common.logs import JsonFormatter, request_id


def formatted(record: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_a_line_names_its_request_and_its_fields() -> None:
    token = request_id.set("req-1")
    try:
        record = logging.LogRecord("a", logging.INFO, "f", 1, "moved %s", ("x",), None)
        record.fields = {"id": "cam_a"}
        line = formatted(record)
    finally:
        request_id.reset(token)
    assert (line["message"], line["request_id"], line["id"]) == ("moved x", "req-1", "cam_a")
    assert str(line["at"]).endswith("+00:00")


def test_an_error_shows_its_kind_and_places_but_not_its_text() -> None:
    try:
        raise ValueError("alice@example.org")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    line = formatted(record)
    assert line["error"] == "ValueError"
    assert line["trace"]
    assert "alice" not in json.dumps(line)
