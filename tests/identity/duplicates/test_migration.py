"""A database without pgvector is told so in words that help."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection

from identity.duplicates.errors import DatabaseLacksVector

create_extension = import_module("identity.migrations.0004_duplicates").create_extension


class Cursor:
    """Answers each statement in turn; an exception is raised instead."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self._answer: object = None

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, _: str) -> None:
        self._answer = self._answers.pop(0)
        if isinstance(self._answer, Exception):
            raise self._answer

    def fetchone(self) -> object:
        return self._answer


def editor(*answers: object) -> Any:
    return SimpleNamespace(connection=SimpleNamespace(cursor=lambda: Cursor(*answers)))


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([None], id="not installed, or too old"),
        pytest.param([(1,), ProgrammingError("permission denied")], id="may not create it"),
        pytest.param([(1,), None, None], id="an older one is there already"),
    ],
)
def test_a_database_that_can_not_scan_is_refused(answers: list[object]) -> None:
    with pytest.raises(DatabaseLacksVector) as caught:
        create_extension(None, editor(*answers))
    assert "pgvector" in caught.value.message


def test_a_database_that_can_is_taken() -> None:
    create_extension(None, editor((1,), None, (1,)))


@pytest.mark.django_db
def test_it_is_fine_to_ask_twice() -> None:
    create_extension(None, SimpleNamespace(connection=connection))
