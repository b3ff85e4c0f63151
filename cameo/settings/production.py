"""Settings of a deployment: every secret given, every unsafe start refused by name."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http.request import validate_host

from cameo import env
from cameo.settings.base import *  # noqa: F403
from cameo.settings.base import CAMEO_PUBLIC_URL
from common.errors import Misconfigured


def _required(name: str) -> str:
    value = env.secret(name)
    if not value:
        raise Misconfigured(f"{name} (or {name}_FILE) must be set in production.")
    return value


SECRET_KEY = _required("CAMEO_SECRET_KEY")
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
    raise Misconfigured("CAMEO_SECRET_KEY is too weak: 50 random characters at least.")
_lasting = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES = {
    "default": env.database(_required("DATABASE_URL")) | _lasting,
    "keystore": env.keystore(_required("KEYSTORE_DATABASE_URL")) | _lasting,
}
if env.same_database(DATABASES["default"], DATABASES["keystore"]):
    raise Misconfigured("KEYSTORE_DATABASE_URL must name another database than DATABASE_URL.")
ALLOWED_HOSTS = env.listed("CAMEO_ALLOWED_HOSTS")
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise Misconfigured("CAMEO_ALLOWED_HOSTS must name the hosts, and none of them is *.")
_public = urlsplit(CAMEO_PUBLIC_URL)
if _public.scheme != "https" or not _public.hostname or "@" in _public.netloc or _public.path:
    raise Misconfigured("CAMEO_PUBLIC_URL must be an https address: a host, and no path.")
if not any(validate_host(_public.hostname, [host]) for host in ALLOWED_HOSTS):
    raise Misconfigured("CAMEO_PUBLIC_URL's host must be one of CAMEO_ALLOWED_HOSTS.")
if env.text("CAMEO_DEBUG"):
    raise Misconfigured("CAMEO_DEBUG has no place in production.")
if not env.text("CAMEO_KEYRING_FILE"):
    raise Misconfigured("CAMEO_KEYRING_FILE must be set in production.")

SECURE_SSL_REDIRECT = True
# Probes ask by plain http and by address; they are told nothing but whether all is well.
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz)$"]
if env.text("CAMEO_BEHIND_PROXY"):
    # Only where a proxy sets this header itself: anybody else could say they came by https.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("CAMEO_SMTP_HOST", "localhost")
EMAIL_PORT = int(env.text("CAMEO_SMTP_PORT", "587"))
EMAIL_HOST_USER = env.text("CAMEO_SMTP_USER")
EMAIL_HOST_PASSWORD = env.secret("CAMEO_SMTP_PASSWORD") or ""
EMAIL_USE_TLS = True
