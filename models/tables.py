"""Reads TOML tables strictly: a key is asked for once with its type, and none is left over."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from typing import Any

from models.errors import ManifestError


class Table:
    """One table of a TOML document.

    Args:
        values: as tomllib gives them.
        where: what to call the table in an error.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = dict(values)
        self.where = where

    @classmethod
    def parse(cls, content: bytes, where: str) -> Table:
        """Returns the document's root.

        Raises:
            ManifestError: it is no TOML.
        """
        try:
            return cls(tomllib.loads(content.decode("utf-8")), where)
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ManifestError(f"{where} is not valid TOML.") from error

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def _take(self, key: str) -> Any:
        try:
            return self._values.pop(key)
        except KeyError:
            raise ManifestError(f"{self.where} has no `{key}`.") from None

    def _wrong(self, key: str, wanted: str) -> ManifestError:
        return ManifestError(f"{self.where}: `{key}` must be {wanted}.")

    def text(self, key: str) -> str:
        """Returns a non-empty string."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        """Returns a boolean."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def integer(self, key: str) -> int:
        """Returns a positive integer."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(key, "a positive integer")
        return value

    def number(self, key: str) -> float:
        """Returns a finite number."""
        return self._number(key, self._take(key))

    def numbers(self, key: str) -> tuple[float, ...]:
        """Returns a non-empty list of finite numbers."""
        values = self._take(key)
        if not isinstance(values, list) or not values:
            raise self._wrong(key, "a list of numbers")
        return tuple(self._number(key, value) for value in values)

    def _number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        if not math.isfinite(value):
            raise self._wrong(key, "finite")
        return float(value)

    def table(self, key: str) -> Table:
        """Returns a table below this one."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return Table(value, f"{self.where}, {key}")

    def tables(self, key: str) -> tuple[Table, ...]:
        """Returns a non-empty list of tables below this one."""
        values = self._take(key)
        if not isinstance(values, list) or not values:
            raise self._wrong(key, "a list of tables")
        if not all(isinstance(value, dict) for value in values):
            raise self._wrong(key, "a list of tables")
        return tuple(Table(v, f"{self.where}, {key} {n}") for n, v in enumerate(values, 1))

    def done(self) -> None:
        """Refuses the keys that nobody asked for.

        Raises:
            ManifestError: there are some.
        """
        if self._values:
            keys = ", ".join(f"`{key}`" for key in sorted(self._values))
            raise ManifestError(f"{self.where} has unknown keys: {keys}.")
