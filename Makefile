# make demo   watch a simulated plant        (PARTS=40 SEED=1)
# make test   everything that must hold      (20 to 27 minutes on two cores)
# Both do all the set-up that a fresh machine needs.

PYTHON ?= python3
PARTS  ?= 40
SEED   ?= 1
WORKERS ?= 2

VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := .stamps
UV     := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help demo test test-full camera-table workshop lint format lock setup clean

help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(STAMPS)/venv ## watch a simulated plant: parts, model, PLC, journal, MQTT
	@tools/system_packages.sh demo
	@$(BIN)/inspector demo --parts $(PARTS) --seed $(SEED)

test: setup lint ## lint, types, architecture, and every test but the long ones
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not long"

test-full: setup lint ## the long suites too
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadgroup --timeout 3000

camera-table: setup ## run the tests against real cameras' peers, and fill the table in docs/cameras.md
	OMP_NUM_THREADS=1 $(BIN)/pytest -m camera --junitxml=.stamps/cameras.xml
	$(BIN)/python -m tests.camera_table .stamps/cameras.xml docs/cameras.md

workshop: setup ## install the training extra (torch) and run the workshop's own tests
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[tools]'
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/tools

lint: $(STAMPS)/venv ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMPS)/venv ## put the code in the house's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(STAMPS)/venv ## virtual environment, locked packages, system packages, the cameras' libraries, PLC peers
	@tools/system_packages.sh test
	@$(MAKE) --no-print-directory $(STAMPS)/cameras $(STAMPS)/node/installed $(STAMPS)/schemathesis/installed

$(STAMPS)/venv: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $$($(PYTHON) --version) is too old; Python 3.11 or newer is right: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMPS) && touch $@

# The libraries of the cameras, and peers of theirs. One is built here, from headers that system_packages.sh installs;
# without them the tests of that camera say what is missing.
$(STAMPS)/cameras: $(STAMPS)/venv tools/requirements-cameras.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r tools/requirements-cameras.lock && touch $@ || \
		echo "make: the cameras' libraries could not be installed (see above); their tests will say so"

# Modbus clients by other hands. Without npm the tests say what is missing.
$(STAMPS)/node/installed: tests/peers/node/package.json tests/peers/node/package-lock.json
	@mkdir -p $(STAMPS)/node && cp tests/peers/node/package*.json $(STAMPS)/node
	@cd $(STAMPS)/node && npm ci --silent --ignore-scripts --no-audit --no-fund && touch installed || \
		echo "make: the PLC peers in JavaScript could not be installed (see above); their tests will say so"

# Asks the station's interface what its description allows and forbids; an environment of its own, since it brings a
# pytest plug-in. Without it the tests say what is missing.
$(STAMPS)/schemathesis/installed: tests/peers/schemathesis/requirements.lock $(STAMPS)/venv
	@$(PYTHON) -m venv $(STAMPS)/schemathesis
	@$(BIN)/uv pip install --quiet --python $(STAMPS)/schemathesis/bin/python --require-hashes -r $< && touch $@ || \
		echo "make: schemathesis could not be installed (see above); its tests will say so"

lock: ## resolve the locked packages anew
	$(BIN)/uv pip compile pyproject.toml --extra demo --extra web --extra dev --universal --python-version 3.11 \
		--generate-hashes --quiet --no-header --no-annotate -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra aravis --extra pylon --extra gentl --extra dicom --extra peers \
		--universal --python-version 3.11 -c requirements.lock \
		--generate-hashes --quiet --no-header --no-annotate -o tools/requirements-cameras.lock
	$(BIN)/uv pip compile tests/peers/schemathesis/requirements.in --universal --python-version 3.11 \
		--generate-hashes --quiet --no-header --no-annotate -o tests/peers/schemathesis/requirements.lock

clean: ## remove the environment and caches
	rm -rf $(VENV) $(STAMPS) .mypy_cache .ruff_cache .pytest_cache .hypothesis
