"""Production refuses each unsafe start by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

SAFE = {
    "CAMEO_SECRET_KEY": "pK3vXq9LmZr7TyWc2NbHd5JfGs8VaEu4RxQi6UoYt1CzDeMlBk",
    "DATABASE_URL": "postgresql://cameo@localhost/cameo",
    "CAMEO_ALLOWED_HOSTS": "cameo.example",
    "CAMEO_PUBLIC_URL": "https://cameo.example",
    "CAMEO_KEYRING_FILE": "/nowhere/keyring.json",
}
START = "import django; django.setup(); print('started')"


def start(home: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "CAMEO_HOME": str(home)}
    environment["DJANGO_SETTINGS_MODULE"] = "cameo.settings.production"
    for name, value in {**SAFE, **changes}.items():
        if value is not None:
            environment[name] = value
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", START],
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
        ({"CAMEO_ALLOWED_HOSTS": None}, "CAMEO_ALLOWED_HOSTS"),
        ({"CAMEO_ALLOWED_HOSTS": "*"}, "CAMEO_ALLOWED_HOSTS"),
        ({"CAMEO_PUBLIC_URL": None}, "CAMEO_PUBLIC_URL"),
        ({"CAMEO_PUBLIC_URL": "http://cameo.example"}, "CAMEO_PUBLIC_URL"),
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
