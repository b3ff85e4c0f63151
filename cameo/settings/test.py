"""Settings of the test suite: the real database, cheap hashing, no logs on the console."""

from __future__ import annotations

from cameo.settings.base import *  # noqa: F403
from cameo.settings.base import BASE_DIR, CAMEO_HOME, LOGGING

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
CAMEO_KEYRING_FILE = CAMEO_HOME / "test" / "keyring.json"
CAMEO_CLIP_DIR = CAMEO_HOME / "test" / "clips"
LOGGING = LOGGING | {"root": {"handlers": [], "level": "DEBUG"}}
CAMEO_PROJECT = BASE_DIR
