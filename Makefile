# Every target works on a bare machine with Python 3.11+, venv, pip, make and git. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A lock is complete, so pip need not resolve it; bytecode is compiled when a module is first imported.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PIP_INSTALL := $(PIP) install --quiet --no-compile
LOCKED := $(PIP_INSTALL) --require-hashes --no-deps
LINT_VENV := .venv-deploy-lint
SCAN_VENV := .venv-deploy-scan
MINISTACK_VENV := .venv-ministack
UV ?= uv
UV_LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
	--no-header --python-version 3.11
TEMPLATES := $(wildcard deploy/*.yaml)
TYPED := auditor scanners reports deploy examples benchmarks tests/house/check_*.py tests/house/*_page.py
BENCHMARKS := $(filter-out benchmarks/_%,$(sort $(wildcard benchmarks/*.py)))
PYTEST := $(BIN)/python -m pytest
WORKERS ?= auto
COVERAGE ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup dev demo test proof check lint types docs bench package lock clean template-lint

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.stamp-run  ## Make .venv with the flagtrail command, every extra included.

dev: $(VENV)/.stamp-dev  ## Add what tests and checks need to .venv.

demo: $(VENV)/.stamp-demo  ## Play a fortnight of a small shop against an AWS stand-in, into build/demo/.
	$(BIN)/python -m examples.demo

test: $(VENV)/.stamp-dev  ## Run the fast suite.
	$(PYTEST) -n $(WORKERS) $(COVERAGE)

proof: $(VENV)/.stamp-dev $(LINT_VENV)/.stamp $(MINISTACK_VENV)/.stamp  ## Run the full figures: large seeds, long inputs, the Lambda package.
	$(BIN)/python -m deploy.packaging.lambda_zip --here --out build/package --layers build/package
	$(BIN)/python -m tests.support.scan_figures
	FLAGTRAIL_PROOF=1 $(PYTEST) -n $(WORKERS) -m "proof or not proof"

# Measuring costs half as much again as the suite itself: a change has to pass it, a quick look need not.
check: COVERAGE := --cov --cov-report=html:build/coverage
check: lint types docs template-lint test  ## Run all that a change has to pass, the coverage floor too.

lint: $(VENV)/.stamp-dev  ## Check style, format, import rules and locks.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m tests.house.check_locks

types: $(VENV)/.stamp-dev  ## Check types, strictly.
	$(BIN)/mypy $(wildcard $(TYPED))

docs: $(VENV)/.stamp-dev  ## Check that links lead somewhere and generated pages are current.
	$(BIN)/python -m tests.house.check_docs

template-lint: $(if $(TEMPLATES),$(LINT_VENV)/.stamp $(SCAN_VENV)/.stamp)  ## Check the deployment templates.
	@set -e; for file in $(TEMPLATES); do \
		echo "$$file"; \
		$(LINT_VENV)/bin/cfn-lint "$$file"; \
		SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1 $(LINT_VENV)/bin/sam validate --lint --template "$$file"; \
		$(SCAN_VENV)/bin/checkov --file "$$file" --framework cloudformation --skip-download --compact --quiet; \
	done

bench: $(VENV)/.stamp-dev  ## Run every benchmark, each against its floor.
	@set -e; for file in $(BENCHMARKS); do $(BIN)/python -m "$$(echo "$${file%.py}" | tr / .)"; done

package: $(VENV)/.stamp-run  ## Build the Lambda packages into dist/lambda/ (PACKAGE="--help" tells the options).
	$(BIN)/python -m deploy.packaging.lambda_zip $(PACKAGE)

lock:  ## Make the locks anew (maintainers; needs uv).
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: install it, or set UV=path/to/uv" >&2; exit 2; }
	$(UV_LOCK) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(UV_LOCK) pyproject.toml --extra all -c requirements/dev.txt -o requirements/run.txt
	$(UV_LOCK) pyproject.toml --extra all --group standin -c requirements/dev.txt -o requirements/demo.txt
	$(UV_LOCK) pyproject.toml --extra slack --extra postgres --extra ledger -c requirements/dev.txt -o requirements/lambda.txt
	$(UV_LOCK) --group lambda-older-driver -o requirements/lambda-older-driver.txt
	$(UV_LOCK) --group build -c requirements/dev.txt -o requirements/build.txt
	$(UV_LOCK) --group deploy-lint -o requirements/deploy-lint.txt
	$(UV_LOCK) --group deploy-scan -o requirements/deploy-scan.txt
	$(UV_LOCK) --group ministack -o requirements/ministack.txt

clean:  ## Remove everything that was made.
	rm -rf $(VENV) $(LINT_VENV) $(SCAN_VENV) $(MINISTACK_VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Flagtrail needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' has no venv module; on Debian: apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-run: $(VENV)/.stamp-venv requirements/run.txt requirements/build.txt pyproject.toml
	$(LOCKED) -r requirements/run.txt -r requirements/build.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.stamp-demo: $(VENV)/.stamp-run requirements/demo.txt
	$(LOCKED) -r requirements/demo.txt
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-run requirements/dev.txt
	$(LOCKED) -r requirements/dev.txt
	@touch $@

# A virtual environment of its own for each lock that fits no other.
$(LINT_VENV)/.stamp $(SCAN_VENV)/.stamp $(MINISTACK_VENV)/.stamp: .venv-%/.stamp: $(VENV)/.stamp-venv requirements/%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip --disable-pip-version-check --no-input install --quiet --no-compile \
		--require-hashes --no-deps -r requirements/$*.txt
	@touch $@
