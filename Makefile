# Everything that a contributor or an operator runs; `make` alone lists the targets.
#
# Each target does its own set-up: the distribution's packages (as root on Debian and Ubuntu, unless
# JUKI_APT=0), then .venv from the hashed lock.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/ready
LOCKS := terminal center agency dev
# Two at a time: more only wait for each other, because many tests start programs of their own.
# A module stays with one of them while both have work, so that what its tests share is made once.
PYTEST_ARGS ?= -q -n 2 --dist worksteal
# The reader daemon lies where only an administrator's PATH leads.
export PATH := $(BIN):$(PATH):/usr/sbin:/sbin
# Tests start programs by the hundred: what is compiled once need not be compiled at each start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help system setup protos lock check test interop pg demo tour bench bench-parts load ha scale dev clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 13

system: ## install the distribution's packages (needs root)
	@tools/system.sh build run test interop

setup: $(READY) ## make .venv with everything in it

$(READY): requirements/dev.txt pyproject.toml
	@tools/system.sh --try build
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing requirements/dev.txt"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $@

protos: $(READY) ## format the protos and make their stubs
	@buf format -w protos
	@$(BIN)/python protos/generate.py

lock: $(READY) ## renew the hashed locks from pyproject.toml (UPGRADE=1 takes newer releases)
	@$(BIN)/python -m tools.checks.locks --write $(if $(UPGRADE),--upgrade) $(LOCKS)

check: $(READY) ## all that can be checked without running the programs, under a minute
	@$(BIN)/python -m tools.checks

test: $(READY) ## every test but interop, demo and tour (JUKI_LONG=1: long soaks, fuzzing and kill loops)
	@tools/system.sh --try run test
	@$(BIN)/pytest $(PYTEST_ARGS) --ignore=tests/interop

interop: $(READY) ## the virtual card and our certificates against other people's programs
	@tools/system.sh --try run test interop
	@$(BIN)/pytest -q tests/interop

pg: $(READY) ## start a PostgreSQL server in out/pg, and print the store.url of a database in it
	@tools/system.sh --try run test
	@$(BIN)/python -m tools.postgresql start

demo: $(READY) ## the whole way, narrated: a card, a reader, a center, a copy (JUKI_READER=virtual: no PC/SC)
	@tools/system.sh --try run
	@$(BIN)/python -m tests.e2e.demo

tour: $(READY) ## each capability of the center, narrated, ending in a search of every file that it wrote
	@$(BIN)/python -m tests.e2e.tour

bench: $(READY) ## what it costs on this machine, as G1 to G10 (BENCH_RESIDENTS=1000000: the full run)
	@$(BIN)/python -m tests.bench

bench-parts: $(READY) ## filling registers, the audit log and stopping cards, measured by themselves
	@$(BIN)/python -m tests.bench --parts

load: $(READY) ## nine o'clock of the first day at 2 workers on PostgreSQL (LOAD="march --seconds 60": another run)
	@tools/system.sh --try run test
	@$(BIN)/python -m tools.load $(LOAD)

ha: $(READY) ## two nodes on three database servers, killed while they are asked (HA_ROUNDS=10: longer)
	@tools/system.sh --try run test ha
	@$(BIN)/python -m tests.ha

scale: $(READY) ## what it costs with millions of residents, thousands of streams, a long log: hours, 25 GB
	@tools/system.sh --try run test
	@$(BIN)/python -m tools.scale
	@$(BIN)/python -m tools.scale table

dev: $(READY) ## a center with sample residents, and lines to paste
	@$(BIN)/juki-center dev

clean: ## remove everything that the other targets made
	@[ ! -d out/pg ] || $(PYTHON) -m tools.postgresql stop
	rm -rf $(VENV) out .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
