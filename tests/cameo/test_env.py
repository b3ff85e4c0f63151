"""How settings and secrets are read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cameo import env
from common.errors import Misconfigured
from tests.conftest import PROJECT


def test_a_secret_comes_from_its_file_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMEO_X", "from the environment")
    assert env.secret("CAMEO_X") == "from the environment"
    file = tmp_path / "x"
    file.write_text("from the file\n")
    monkeypatch.setenv("CAMEO_X_FILE", str(file))
    assert env.secret("CAMEO_X") == "from the file"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_secret_file_that_cannot_be_used_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "x"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("CAMEO_X_FILE", str(file))
    with pytest.raises(Misconfigured):
        env.secret("CAMEO_X")


def test_a_local_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret-key"
    made = env.local_secret(path)
    assert len(made) >= 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert env.local_secret(path) == made
    path.chmod(0o644)
    with pytest.raises(Misconfigured):
        env.local_secret(path)


def test_a_local_secret_cut_off_by_a_kill_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.touch(mode=0o600)
    assert len(env.local_secret(path)) >= 50


def test_a_database_address_is_taken_apart() -> None:
    found = env.database("postgresql://ali%40ce:p%2Fw@db.example:5433/cameo?sslmode=verify-full")
    assert found == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "cameo",
        "USER": "ali@ce",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "verify-full"},
    }


def test_a_keystore_that_cannot_be_reached_is_told_in_seconds() -> None:
    assert env.keystore("postgresql://db.example/keys")["OPTIONS"] == {"connect_timeout": "5"}
    patient = env.keystore("postgresql://db.example/keys?connect_timeout=30")
    assert patient["OPTIONS"] == {"connect_timeout": "30"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("postgresql://db.example/cameo", True),
        ("postgresql://somebody:else@DB.example.:5432/cameo?sslmode=require", True),
        ("postgresql://elsewhere/cameo?host=db.example", True),
        ("postgresql://db.example/keystore", False),
        ("postgresql://db.example:5433/cameo", False),
        ("postgresql://keys.example/cameo", False),
    ],
)
def test_two_addresses_of_one_database_are_seen_through(other: str, same: bool) -> None:
    one = env.database("postgresql://db.example/cameo")
    assert env.same_database(one, env.keystore(other)) is same


def test_every_way_to_this_machine_is_one() -> None:
    found = [
        env.database(url)
        for url in (
            "postgresql://localhost/cameo",
            "postgresql:///cameo",
            "postgresql://[::1]/cameo",
            "postgresql:///cameo?host=/run/postgresql",
        )
    ]
    assert all(env.same_database(one, other) for one in found for other in found)


def test_telemetry_is_off_before_the_runtime_is_imported() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment["DJANGO_SETTINGS_MODULE"] = "cameo.settings.test"
    for entry in (
        "from cameo import env; env.prepare()",
        "import manage; manage.env.prepare()",
        "import models",
    ):
        look = "import os, sys; assert 'onnxruntime' not in sys.modules"
        say = "print(os.environ['ORT_DISABLE_TELEMETRY'])"
        done = subprocess.run(
            [sys.executable, "-c", f"{look}; {entry}; {say}"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "1"
