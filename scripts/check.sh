#!/usr/bin/env bash
# The habits, one after the other; the first that fails stops.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
export PYTHONDONTWRITEBYTECODE=1

step() { printf '%-28s' "$1"; shift; local out; if out=$("$@" 2>&1); then echo ok; else echo FAILED; printf '%s\n' "$out"; exit 1; fi; }

production() {
    local home
    home=$(mktemp -d)
    trap 'rm -rf "$home"' RETURN
    CAMEO_HOME="$home" CAMEO_SECRET_KEY="$(head -c 60 /dev/urandom | base64 -w0)" \
        DATABASE_URL=postgresql://cameo@localhost/cameo CAMEO_ALLOWED_HOSTS=cameo.example \
        KEYSTORE_DATABASE_URL=postgresql://cameo@localhost/keystore \
        CAMEO_PUBLIC_URL=https://cameo.example CAMEO_KEYRING_FILE="$home/keyring.json" \
        python -W error manage.py check --deploy --fail-level WARNING --settings cameo.settings.production
}

openapi() {
    local found
    found=$(mktemp)
    trap 'rm -f "$found"' RETURN
    python manage.py spectacular --file "$found" --format openapi-json --validate --fail-on-warn
    diff -u docs/openapi.json "$found" || { echo "docs/openapi.json is old: make openapi"; return 1; }
}

step "ruff check" ruff check .
step "ruff format" ruff format --check .
step "mypy --strict" mypy .
step "import-linter" lint-imports
step "migrations" python manage.py makemigrations --check --dry-run
step "deployment settings" production
step "OpenAPI" openapi
