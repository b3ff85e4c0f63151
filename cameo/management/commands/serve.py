"""`manage.py serve`: the service on this machine, for trying it by hand."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cameo import env
from cameo.local import LocalDeployment, ensure_keyring
from common.errors import CameoError

WELCOME = """
Cameo runs. Data: {home}. Stop with Ctrl-C.

  Click:      {public}/
  Look:       {public}/docs
  Try:        curl -s {url}/.well-known/jwks.json
  Generator:  .venv/bin/python manage.py generator register "My generator" \\
                  --redirect-uri http://127.0.0.1:9000/callback
"""


class Command(BaseCommand):
    help = "Run the web server and a worker on loopback, after migrating; stops with Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_keyring(Path(settings.CAMEO_KEYRING_FILE))
        except CameoError as error:
            raise CommandError(error.message) from error
        call_command("migrate", interactive=False, verbosity=0)
        deployment = LocalDeployment(port=options["port"])
        # The service's own address is part of its tokens: it follows the port, unless it was set.
        public = env.text("CAMEO_PUBLIC_URL", f"http://localhost:{options['port']}")
        deployment.environment["CAMEO_PUBLIC_URL"] = public
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            deployment.start()
            self.stdout.write(
                WELCOME.format(
                    home=settings.CAMEO_HOME,
                    public=public,
                    url=deployment.url,
                )
            )
            self.stdout.flush()
            deployment.watch()
        except KeyboardInterrupt:
            self.stdout.write("Stopping.")
        except CameoError as error:
            raise CommandError(error.message) from error
        finally:
            deployment.stop()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
