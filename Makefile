# The two commands of the README, `make demo` and `make test`, set up all they need in .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LANG_TEMPLATE ?= go
# Workers for the tests; each may compile and start an Envoy, and has a cluster of its own in test-cluster.
WORKERS ?= 2
PYTEST_ARGS ?=

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: pyproject.toml docs/tutorial/setup.sh
	@PYTHON=$(PYTHON) docs/tutorial/setup.sh $(VENV)
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready ## Make .venv with everything the other commands need

.PHONY: demo
demo: setup ## Play the whole tutorial with real programs and a real Envoy (LANG_TEMPLATE=go|python)
	@$(BIN)/python docs/tutorial/demo.py --lang $(LANG_TEMPLATE)

.PHONY: lint
lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Beside tests/cluster, the rules of the other tests in the eyes of a real istioctl.
CLUSTER_TESTS := tests/cluster tests/corpus/test_istioctl_differential.py

.PHONY: test
test: lint ## Run every test but those of test-cluster
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(CLUSTER_TESTS:%=--ignore=%) $(PYTEST_ARGS)

# A real Kubernetes with Istio on this machine (Debian, as root); CLUSTER names one of several.
CLUSTER ?= dev
HARNESS := $(BIN)/python -m tests.cluster.harness

.PHONY: cluster-up
cluster-up: setup ## Start a real Kubernetes with Istio; prints the line that sets KUBECONFIG
	@$(HARNESS) up --name $(CLUSTER)

.PHONY: cluster-down
cluster-down: setup ## End it and remove all that it left
	@$(HARNESS) down --name $(CLUSTER)

.PHONY: test-cluster
test-cluster: setup ## Run the tests with real image builders, registries, Kubernetes and Istio (Debian, as root)
	tests/cluster/packages.sh
	@$(HARNESS) build
	@trap '$(HARNESS) down --abandoned 2>/dev/null' EXIT; CI=$${CI:-yes} $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(CLUSTER_TESTS) $(PYTEST_ARGS)

N ?= 20000
SEED ?= 1
.PHONY: fuzz
fuzz: setup ## Compare N random rules, 20 requests each, with the real Envoy (N=20000 SEED=1)
	DUBBOPY_FUZZ=$(N) DUBBOPY_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -n $(WORKERS) tests/corpus/test_envoy_differential.py

.PHONY: bench
bench: setup ## Measure ratios against peers, side by side
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done
