# Each target sets up what it needs; a second run costs seconds and needs no network.
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help setup demo run test check format lock openapi clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## .venv and the model pack `open`
	@scripts/setup.sh

demo: setup ## the main job on a fresh deployment, over HTTP, narrated
	@$(PY) -m tests.demo

run: setup ## the service, for trying by hand; data in $$CAMEO_HOME (.cameo)
	@$(PY) manage.py serve

test: setup ## the whole suite
	@$(PY) -m pytest --cov --cov-report=term:skip-covered -q

check: ## the habits: lint, types, layers, migrations, deployment settings, OpenAPI
	@scripts/setup.sh --no-pack
	@scripts/check.sh

format: ## let ruff write
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

lock: ## write requirements/*.txt anew (needs uv)
	uv pip compile --upgrade --generate-hashes --no-header --no-annotate --python-version 3.11 requirements/base.in -o requirements/base.txt
	uv pip compile --upgrade --generate-hashes --no-header --no-annotate --python-version 3.11 requirements/dev.in -o requirements/dev.txt

openapi: ## write docs/openapi.json anew
	@$(PY) manage.py spectacular --file docs/openapi.json --format openapi-json --validate --fail-on-warn

clean: ## forget .venv and the caches; data in $$CAMEO_HOME stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
