"""The service's own application, without its check of model packs: no decision asks a model."""

from cameo import env

env.prepare()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the environment comes first

application = get_wsgi_application()
