"""Entry point of a WSGI server."""

from cameo import env

env.prepare()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the environment comes first

from cameo.start import refuse_unusable  # noqa: E402

application = get_wsgi_application()
refuse_unusable()
