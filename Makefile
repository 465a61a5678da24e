# Every target prepares .venv first, from nothing if need be: Python 3.11 or newer with pip is enough.
# ARGS passes options on: make test ARGS='-k journal -x'

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV  := .venv
PY    := $(VENV)/bin/python
UV    := $(VENV)/bin/uv
READY := $(VENV)/.ready
BESIDE := -n auto --maxprocesses 8 --dist worksteal
# uv brings certificates of its own; those of the machine, where it has any, also know its proxy.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/*.crt /etc/pki/tls/certs/*.crt /etc/ssl/cert.pem),true,false)
TYPED  = src tests $(foreach d,templates examples bench,$(if $(shell find $d -name '*.py' 2>/dev/null),$d))

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt types bench docs torture lock clean

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(READY) ## a report over documents of this machine: planned, killed, resumed, approved; needs no key
	@$(PY) -m stretto demo $(ARGS)

test: $(READY) ## the everyday suite
	@$(PY) -m pytest $(BESIDE) $(ARGS)

lint: $(READY) ## ruff, the floors of the house, mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(VENV)/bin/lint-imports --no-logo
	@$(MAKE) --no-print-directory types

types: $(READY) ## mypy, strict
	@$(PY) -m mypy $(TYPED)

fmt: $(READY) ## format, and mend what ruff can mend
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

bench: $(READY) ## measure stretto beside the bare floor
	@$(PY) bench/run.py $(ARGS)

docs: $(READY) ## run the code blocks of README.md and docs/
	@$(PY) -m pytest tests/docs $(ARGS)

torture: $(READY) ## random faults and long searches, for as long as it takes
	@$(PY) -m pytest -m torture $(BESIDE) --hypothesis-profile=torture -o faulthandler_timeout=0 $(ARGS)

lock: $(READY) ## resolve requirements.lock anew: core, dev, and the extras that the tests use
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --extra openai --extra anthropic --extra otel --group dev \
		-o requirements.lock pyproject.toml

clean: ## remove .venv, caches and builds; runs in .stretto stay
	@rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock is enough for everything, the build backend included, so the checkout itself is installed without isolation.
$(READY): pyproject.toml requirements.lock
	@echo "preparing $(VENV) (once, and again when the lock changes)"
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { $(call bootstrap); }
	@$(UV) --version >/dev/null 2>&1 || $(call install-uv,$(PY) -m pip)
	@$(UV) pip install -q --python $(PY) --link-mode copy --require-hashes -r requirements.lock
	@$(UV) pip install -q --python $(PY) --link-mode copy --no-build-isolation --no-deps -e .
	@touch $@

install-uv = awk '/^[^ ]/ {mine = /^uv==/} mine' requirements.lock \
	| $(1) install -qq --disable-pip-version-check --require-hashes -r /dev/stdin

# Where ensurepip is missing (Debian without python3-venv), the pip beside that Python serves the environment instead.
define bootstrap
test -n "$(PYTHON)" || { echo "stretto needs Python 3.11 or newer, and none is on PATH: install one," \
		"or name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
	|| { $(PYTHON) -m venv --clear --without-pip $(VENV) \
		&& $(call install-uv,$(PYTHON) -m pip --python $(PY)); } \
	|| { rm -rf $(VENV); echo "$(PYTHON) cannot make an environment with pip in it;" \
		"on Debian or Ubuntu: apt install python3-venv, elsewhere: $(PYTHON) -m ensurepip" >&2; exit 1; }
endef
