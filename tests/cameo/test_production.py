"""Production refuses each unsafe start by name."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from common.keyring import FileKeyring
from tests.conftest import PROJECT

SAFE = {
    "CAMEO_SECRET_KEY": "pK3vXq9LmZr7TyWc2NbHd5JfGs8VaEu4RxQi6UoYt1CzDeMlBk",
    "DATABASE_URL": "postgresql://cameo@localhost/cameo",
    "KEYSTORE_DATABASE_URL": "postgresql://cameo@localhost/keystore",
    "CAMEO_ALLOWED_HOSTS": "cameo.example",
    "CAMEO_PUBLIC_URL": "https://cameo.example",
    "CAMEO_KEYRING_FILE": "/nowhere/keyring.json",
}
START = "import django; django.setup(); print('started')"


def start(
    home: Path, then: str | None = None, **changes: str | None
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "CAMEO_HOME": str(home)}
    environment["DJANGO_SETTINGS_MODULE"] = "cameo.settings.production"
    for name, value in {**SAFE, **changes}.items():
        if value is not None:
            environment[name] = value
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", then or START],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_safe_start_is_let_through(tmp_path: Path) -> None:
    done = start(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("started\n")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"CAMEO_SECRET_KEY": None}, "CAMEO_SECRET_KEY"),
        ({"CAMEO_SECRET_KEY": "short"}, "CAMEO_SECRET_KEY"),
        ({"CAMEO_SECRET_KEY": "a" * 60}, "CAMEO_SECRET_KEY"),
        ({"CAMEO_SECRET_KEY_FILE": "/nowhere/key"}, "CAMEO_SECRET_KEY"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///cameo.db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://localhost/"}, "DATABASE_URL"),
        ({"KEYSTORE_DATABASE_URL": None}, "KEYSTORE_DATABASE_URL"),
        ({"KEYSTORE_DATABASE_URL": "sqlite:///cameo.db"}, "KEYSTORE_DATABASE_URL"),
        ({"KEYSTORE_DATABASE_URL": SAFE["DATABASE_URL"]}, "another database"),
        ({"KEYSTORE_DATABASE_URL": "postgres://other:pw@127.0.0.1:5432/cameo"}, "another database"),
        ({"CAMEO_ALLOWED_HOSTS": None}, "CAMEO_ALLOWED_HOSTS"),
        ({"CAMEO_ALLOWED_HOSTS": "*"}, "CAMEO_ALLOWED_HOSTS"),
        ({"CAMEO_PUBLIC_URL": None}, "CAMEO_PUBLIC_URL"),
        ({"CAMEO_PUBLIC_URL": "http://cameo.example"}, "CAMEO_PUBLIC_URL"),
        ({"CAMEO_PUBLIC_URL": "https://user:pw@"}, "CAMEO_PUBLIC_URL"),
        ({"CAMEO_PUBLIC_URL": "https://cameo.example/sub"}, "CAMEO_PUBLIC_URL"),
        ({"CAMEO_PUBLIC_URL": "https://other.example"}, "CAMEO_PUBLIC_URL"),
        ({"CAMEO_KEYRING_FILE": None}, "CAMEO_KEYRING_FILE"),
        ({"CAMEO_DEBUG": "1"}, "CAMEO_DEBUG"),
        ({"CAMEO_REQUIRED_ASSURANCE": "enough"}, "CAMEO_REQUIRED_ASSURANCE"),
    ],
)
def test_an_unsafe_start_is_refused_by_name(
    tmp_path: Path, changes: dict[str, str | None], named: str
) -> None:
    done = start(tmp_path, **changes)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("common.errors.Misconfigured")
    assert named in last
    for value in changes.values():
        assert value is None or len(value) < 8 or value not in last


def test_a_web_server_without_a_keyring_or_with_an_unknown_pack_does_not_start(
    tmp_path: Path,
) -> None:
    import_it = "import cameo.wsgi"
    done = start(tmp_path, import_it)
    assert done.returncode != 0
    assert "KeyringError" in done.stderr
    keyring = tmp_path / "keyring.json"
    FileKeyring.create(keyring, now=datetime.now(UTC))
    for pack in ("nonsense", "open"):
        # `open` is known, but not installed in this home.
        done = start(tmp_path, import_it, CAMEO_KEYRING_FILE=str(keyring), CAMEO_MODEL_PACK=pack)
        assert done.returncode != 0
        assert "models.errors" in done.stderr


@pytest.mark.pack
def test_a_web_server_with_both_starts(tmp_path: Path) -> None:
    keyring = tmp_path / "keyring.json"
    FileKeyring.create(keyring, now=datetime.now(UTC))
    done = start(
        tmp_path,
        "import cameo.wsgi; print('started')",
        CAMEO_KEYRING_FILE=str(keyring),
        CAMEO_MODELS_DIR=str(settings.CAMEO_MODELS_DIR),
    )
    assert done.stdout.endswith("started\n"), done.stderr


@pytest.mark.parametrize(("behind", "secure"), [(None, False), ("1", True)])
def test_a_forwarded_header_counts_only_behind_a_proxy(
    tmp_path: Path, behind: str | None, secure: bool
) -> None:
    look = (
        "import django; django.setup(); from django.test import RequestFactory as R;"
        "print(R().get('/', HTTP_X_FORWARDED_PROTO='https').is_secure())"
    )
    done = start(tmp_path, look, CAMEO_BEHIND_PROXY=behind)
    assert done.stdout.strip().endswith(str(secure)), done.stderr
