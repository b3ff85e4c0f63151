"""Django's command line, with the environment of the service prepared first."""

import sys

from cameo import env


def main() -> None:
    env.prepare()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
