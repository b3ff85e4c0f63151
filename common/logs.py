"""One JSON object a line. What is logged is named by its fields; bodies never are."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, request id and the fields given as `extra={"fields": …}`.

    Of an exception only its type and the places it passed are written: its text may quote input.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            trace, places = record.exc_info[2], []
            while trace is not None:
                code = trace.tb_frame.f_code
                places.append(f"{code.co_filename}:{trace.tb_lineno}")
                trace = trace.tb_next
            line["trace"] = places
        return json.dumps(line, default=str)
