# All a developer types. A clean machine needs Python 3.11 or newer and make.

PYTHON ?= python3
BIN := .venv/bin
# The rooms that decide and do no I/O: their branches are all worth a test.
PURE := domain config wire admission text routing receipts
comma := ,
empty :=

.DEFAULT_GOAL := help
.PHONY: help install run test check format coverage interop faults bench fuzz fuzz-live adr lock clean

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

# Rebuilt from nothing when the lock changes, so that nothing unlisted stays behind.
.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "luckgw needs Python 3.11 or newer: make PYTHON=python3.11")'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# setuptools comes from the lock, so no build isolation and no second download.
.venv/.installed: .venv/.locked setup.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: .venv/.installed  ## make .venv as requirements.lock says, with luckgw in it

run: install  ## start the gateway in the foreground, on loopback, with etc/luckgw.toml
	$(BIN)/twistd -n --pidfile= luckgw start --config etc/luckgw.toml

test: install  ## run the tests; K=word for those whose name holds the word
	$(BIN)/python -m pytest $(if $(K),-k '$(K)') $(ARGS)

check: install  ## style, imports, types, news fragments, configuration sample
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/ruff format --check --output-format concise .
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/towncrier build --draft --version unreleased > /dev/null
	$(BIN)/python docs/adr/make_index.py --check
	$(BIN)/luckgw check etc/luckgw.toml

format: install  ## put the code in shape, and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

coverage: install  ## which branches the tests reach; fails under 98 % in the pure rooms
	$(BIN)/python -m pytest --quiet --cov --cov-report= $(ARGS)
	$(BIN)/coverage report
	@echo 'The pure rooms ($(PURE)):'
	$(BIN)/coverage report --fail-under=98 --include='$(subst $(empty) $(empty),$(comma),$(PURE:%=luckgw/%/*))'

# What can not be installed fails as a test, in the table at the end.
interop: install  ## foreign stacks, over real sockets; INTEROP_SKIP="kannel perl" without those
	-$(BIN)/python -m tests.interop.install
	INTEROP=1 $(BIN)/python -m pytest tests/interop $(ARGS)

faults: install  ## spoil the way to a carrier and see that nothing is lost; ARGS=--long
	$(BIN)/python -m tests.faults.run $(ARGS)

bench: install  ## measure this machine; bench/README.md tells how and what came out
	$(BIN)/python -m bench $(ARGS)

fuzz: install  ## a million damaged frames, PDUs and receipts; about two minutes
	$(BIN)/python -m tests.fuzz.run $(ARGS)

fuzz-live: install  ## throw a million damaged PDUs at a gateway on loopback
	$(BIN)/python -m tests.fuzz.live $(ARGS)

adr: install  ## write docs/adr/README.md from the records beside it
	$(BIN)/python docs/adr/make_index.py

# To be made with the oldest Python 3.11 at hand: before 3.11.3 valkey needs async-timeout.
lock:  ## write requirements.lock from setup.cfg; UPGRADE=1 for the newest of everything
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
	CUSTOM_COMPILE_COMMAND='make lock' build/lock/bin/pip-compile --quiet \
	    $(if $(UPGRADE),--upgrade) --all-extras --all-build-deps --allow-unsafe \
	    --strip-extras --generate-hashes \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	    --output-file requirements.lock setup.cfg

clean:  ## remove what was built; var/ with the gateway's data stays
	rm -rf .venv build dist *.egg-info .coverage .hypothesis .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name dropin.cache -delete
