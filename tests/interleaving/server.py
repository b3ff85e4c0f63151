"""The service's WSGI application for a run: whole, or broken as `$CAMEO_INTERLEAVING_FAULT` says.

The variable is read here alone.
"""

from __future__ import annotations

import os

from cameo import env

env.prepare()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the environment comes first

from tests.interleaving.faults import install  # noqa: E402

FAULT = "CAMEO_INTERLEAVING_FAULT"

application = get_wsgi_application()
if os.environ.get(FAULT):
    install(os.environ[FAULT])
