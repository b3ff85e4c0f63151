"""Settings of the test suite: the real database, cheap hashing, no logs on the console."""

from __future__ import annotations

import os

from cameo.settings.base import *  # noqa: F403
from cameo.settings.base import DATABASES, LOGGING

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
LOGGING = LOGGING | {"root": {"handlers": [], "level": "DEBUG"}}
# Two runs of the suite side by side must not share a database; tests/conftest.py sweeps up
# after a run that was killed.
TEST_DATABASE_PREFIX = "test_cameo_"
DATABASES["default"]["TEST"] = {"NAME": f"{TEST_DATABASE_PREFIX}{os.getpid()}"}
DATABASES["keystore"]["TEST"] = {"NAME": f"{TEST_DATABASE_PREFIX}{os.getpid()}_keystore"}
