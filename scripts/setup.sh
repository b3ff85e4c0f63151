#!/usr/bin/env bash
# Makes .venv and installs the model pack; quick, and without a network, when both are there.
# A run that was killed leaves no stamp, and the next one does the step again.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, venv, ensurepip; raise SystemExit(sys.version_info[:2] != (3, 11))' \
            >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    say "Python 3.11 with venv is missing. On Debian: apt-get install python3.11 python3.11-venv"
    exit 1
}

need_library() { # file name, Debian package
    if ! "$1" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$2" >/dev/null 2>&1; then
        say "The library $2 is missing. On Debian: apt-get install $3"
        exit 1
    fi
}

stamp() { # of what .venv is made from
    cat requirements/dev.txt scripts/setup.sh | sha256sum | cut -c1-16
}

wanted=$(stamp)
if [ "$(cat .venv/stamp 2>/dev/null || true)" != "$wanted" ]; then
    python=$(find_python)
    need_library "$python" libGL.so.1 libgl1
    need_library "$python" libseccomp.so.2 libseccomp2
    say "Making .venv (a minute or two, once)."
    rm -f .venv/stamp
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r requirements/dev.txt
    printf '%s\n' "$wanted" >.venv/stamp
fi

if [ "${1:-}" != "--no-pack" ]; then
    .venv/bin/python manage.py models install open
fi
