"""gunicorn's own log as JSON lines, without what it quotes of requests it couldn't read."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger

from common.logs import JsonFormatter


def say_less(record: logging.LogRecord) -> bool:
    """Cut what follows `Invalid request`: a header line without its colon may hold a token."""
    message = record.getMessage()
    if "Invalid" in message:
        record.msg, record.args = message.partition("Invalid")[0] + "Invalid request", ()
    return True


class JsonLogger(Logger):  # type: ignore[misc, unused-ignore]
    """For gunicorn's `--logger-class`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
            handler.addFilter(say_less)
