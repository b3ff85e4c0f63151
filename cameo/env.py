"""What every entry point does before anything else, and how settings are read.

Secrets come from a file named by `<NAME>_FILE`, or from the variable `<NAME>`.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from common.errors import Misconfigured

PROJECT = Path(__file__).resolve().parent.parent


def prepare() -> None:
    """Set what must be set before a library reads it. Every entry point calls this first."""
    # ONNX Runtime sends telemetry unless told not to before its first import (ADR 0006).
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cameo.settings.base")


def home() -> Path:
    """`$CAMEO_HOME`, by default `.cameo` in the project: everything the service writes."""
    return Path(os.environ.get("CAMEO_HOME") or PROJECT / ".cameo").resolve()


def text(name: str, default: str = "") -> str:
    """The environment variable `name`, or `default` where it is unset or empty."""
    return os.environ.get(name) or default


def one_of(name: str, allowed: tuple[str, ...]) -> str:
    """The variable `name`, which must be one of `allowed`; the first of them where it is unset.

    Raises:
        Misconfigured: for any other value.
    """
    value = text(name, allowed[0])
    if value not in allowed:
        raise Misconfigured(f"{name} must be one of {', '.join(allowed)}.")
    return value


def listed(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """The comma-separated variable `name` as a list."""
    value = os.environ.get(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else list(default)


def secret(name: str) -> str | None:
    """The secret `name` out of the file `<name>_FILE`, or the variable `name`.

    Raises:
        Misconfigured: if a file is named and can't be read, or is empty.
    """
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            value = Path(file).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise Misconfigured(f"The file of {name} can't be read.") from error
        if not value:
            raise Misconfigured(f"The file of {name} is empty.")
        return value
    return os.environ.get(name) or None


def local_secret(path: Path) -> str:
    """A random secret of this deployment, made on first use in a file with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(
                f"{path.name} can be read by others; its mode must be 0600."
            ) from None
        value = path.read_text("utf-8").strip()
        if len(value) < 50:
            # A first start that was killed between making the file and filling it.
            path.unlink()
            return local_secret(path)
        return value
    value = secrets.token_urlsafe(64)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
    return value


def database(url: str, name_of_setting: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's settings for the `postgresql://` address in `name_of_setting`.

    Raises:
        Misconfigured: for any other scheme, or an address without a database name.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise Misconfigured(
            f"{name_of_setting} must be postgresql://…/name: no other database is used."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def keystore(url: str) -> dict[str, Any]:
    """As `database`, of `KEYSTORE_DATABASE_URL`; one that can't be reached is told in seconds."""
    found = database(url, "KEYSTORE_DATABASE_URL")
    found["OPTIONS"] = {"connect_timeout": "5"} | found["OPTIONS"]
    return found


def same_database(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two of Django's database settings name one database; by their text alone."""

    def place(found: dict[str, Any]) -> tuple[str, str, str]:
        host = str(found["OPTIONS"].get("host") or found["HOST"]).lower().rstrip(".")
        local = host in {"", "localhost", "127.0.0.1", "::1"} or host.startswith("/")
        port = found["OPTIONS"].get("port") or found["PORT"] or "5432"
        name = found["OPTIONS"].get("dbname") or found["NAME"]
        return ("local" if local else host, str(port), str(name))

    return place(one) == place(other)
