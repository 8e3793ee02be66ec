# Everything that a newcomer or a developer types. No activation: each target sets up .venv by itself.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is 3.11 or later; name another with `make setup PYTHON=/path/to/python3`.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# MicroPython's stubs, a folder a version: two versions of one package cannot be installed beside each other.
STUBS := $(VENV)/stubs/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST_ARGS ?=
# Most tests wait for processes of their own: eight at a time keep two cores busy. They start hundreds of them, so the
# program is compiled once before, also where the environment lets Python write no bytecode; the tests are compiled and
# imported once, and the workers begin as forks of who did it (tests/collected.py). The files begin in the order of tests/longest.py, and tests/sharing.py says which are
# shared out; pytest-xdist's own order (by the number of tests) would leave the longest, which are one test, for last.
JOBS ?= 8

.PHONY: help setup demo test quick check format bench mutate torture defences hostile bounds hardware enclosure pictures lock container-locks clean distclean

help: ## Show what can be done here
	@echo "Siaga: from a press on a button to a police unit under way"; echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) $(STUBS) ## Install everything into .venv (done by the other targets when needed)

$(READY): requirements.lock pyproject.toml gateway/siaga_gateway/web/package-lock.json
	@test -n "$(PYTHON)" || { echo "Siaga needs Python 3.11 or later and found none. On Debian or Ubuntu: sudo apt-get install python3 python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing the locked packages into $(VENV) (a minute or two, once)..."
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@SIAGA_SKIP_VENDOR=1 $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python gateway/build_vendor.py
	@touch $@

$(STUBS): tests/stubs/micropython-1.27.txt tests/stubs/micropython-1.29.txt | $(READY)
	@rm -rf $(VENV)/stubs
	@for list in $(filter %.txt,$^); do \
		$(PIP) install --quiet --no-deps --require-hashes --target $(VENV)/stubs/$$(basename $$list .txt) -r $$list || exit 1; done
	@touch $@

demo: $(READY) ## Press a button and watch help being called: broker, gateway, console and three virtual buttons
	@$(BIN)/siaga demo $(ARGS)

test: $(READY) $(STUBS) ## Run every test; what needs a Debian package says which where it is missing
	@$(BIN)/python -m compileall -q gateway/siaga_gateway tools/siaga_tools
	@$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder \
		--durations=10 --durations-min=5 $(PYTEST_ARGS)

quick: $(READY) ## The quick tests (tests/quick.txt): rules, formats, contracts, one press; under a minute
	@$(BIN)/python -m pytest -q --numprocesses=2 --dist=loadfile $$(grep -v '^#' tests/quick.txt) $(PYTEST_ARGS)

check: $(READY) $(STUBS) ## Format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python tests/check_firmware_types.py
	@PYTHONPATH=firmware $(BIN)/lint-imports --no-cache

format: $(READY) ## Put the code into the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure: cost of a signature and a start, events per second, press to console, size, heap, battery life
	@$(BIN)/python tests/bench/run.py

mutate: $(READY) ## Put small faults into the pure modules, one at a time: do their own tests fail? (ARGS="--help")
	@$(BIN)/python tests/mutation/run.py $(ARGS)

torture: $(READY) ## Press for minutes while processes are killed, disks fill and clocks jump: is anything lost? (ARGS="--help")
	@$(BIN)/python tests/torture/run.py $(ARGS)
	@$(if $(ARGS),,$(BIN)/python tests/mutation/defences.py)
	@$(if $(ARGS),,$(BIN)/python tests/torture/hostile.py)

defences: $(READY) ## Take each defence of SECURITY.md out, one at a time: do its tests fail? Some minutes (ARGS="jammer")
	@$(BIN)/python tests/mutation/defences.py $(ARGS)

hostile: $(READY) ## A million hostile frames beside honest presses: does one become an event? Ten minutes (ARGS="--help")
	@$(BIN)/python tests/torture/hostile.py $(ARGS)

bounds: $(READY) ## The quick tests with the oldest packages that pyproject.toml allows (ARGS=newest: the newest)
	@$(BIN)/python tests/packages/bounds.py $(ARGS)

hardware: ## Draw, check and simulate the carrier board, and make all that a factory needs (Debian 12, KiCad 9)
	@sh hardware/install.sh
	@/usr/bin/python3 hardware/rev_a/build.py $(ARGS)

enclosure: ## Draw and check the printed cases, and write STL and STEP (ARGS=--quick: without pictures)
	@sh hardware/install.sh enclosure
	@test build/cad/ready -nt hardware/enclosure/requirements.lock || { mkdir -p build && $(PYTHON) -m venv build/cad && \
		build/cad/bin/pip install --quiet --require-hashes -r hardware/enclosure/requirements.lock && touch build/cad/ready; }
	@build/cad/bin/python hardware/enclosure/build.py $(ARGS)

pictures: $(READY) ## Take the pictures of README.md and CONSOLE.md anew, from the demo's story (Chromium, five minutes)
	@PYTHONPATH=tests $(BIN)/python tests/pictures.py $(ARGS)

lock: $(READY) ## Renew requirements.lock from pyproject.toml, and say what moved
	@mkdir -p build && cp requirements.lock build/requirements.old
	@$(BIN)/uv pip compile pyproject.toml --extra demo --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade --output-file requirements.lock
	@$(BIN)/python tests/packages/lock.py build/requirements.old requirements.lock
	@$(MAKE) --no-print-directory container-locks
	@echo "Then: make bounds ARGS=newest, make check, make test"

container-locks: $(READY)  # of requirements.lock what the container recipe installs, by the same hashes
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --constraint requirements.lock \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file gateway/container/gateway.lock
	@echo hatchling | $(BIN)/uv pip compile - --universal --python-version 3.11 --constraint requirements.lock \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file gateway/container/build.lock

clean: ## Remove what was built, keep .venv
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis gateway/siaga_gateway/web/node_modules
	@find . -name __pycache__ -not -path './$(VENV)/*' -type d -prune -exec rm -rf {} +

distclean: clean ## Remove .venv and the browser libraries too
	@rm -rf $(VENV) gateway/siaga_gateway/web/static/vendor
