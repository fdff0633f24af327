# One command per check, the same for people and for CI. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run test test-unit test-int soak lint fmt coverage build bench eval proto lock clean setup-run setup-dev

BIN := .venv/bin
PYTEST := $(BIN)/pytest -m "not soak"
CODE := actors gateway schemas
export PYTHON

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: setup-run ## start everything; opens the chat in a terminal (ARGS="--no-demo" and the like are passed on)
	@exec $(BIN)/copilot up $(ARGS)

test: setup-dev ## all tests, against real servers
	$(PYTEST) $(ARGS)

test-unit: setup-dev ## the tests that need no server
	$(PYTEST) tests/unit tests/architecture $(ARGS)

test-int: setup-dev ## the tests against real servers
	$(PYTEST) --ignore=tests/unit --ignore=tests/architecture $(ARGS)

soak: setup-dev ## the tests that repeat for a long time
	$(BIN)/pytest -m soak $(ARGS)

lint: setup-dev ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

fmt: setup-dev ## format the code
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

coverage: setup-dev ## all tests, with the lines they reach
	$(PYTEST) $(addprefix --cov=,$(CODE)) --cov-report=term --cov-report=xml $(ARGS)

build: setup-dev ## the wheel and the source archive, in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	@$(BIN)/python -m zipfile -l dist/*.whl | grep -q actors/platform/default.toml \
		|| { echo "the wheel lacks actors/platform/default.toml" >&2; exit 1; }

bench: setup-run ## measure
	@$(BIN)/copilot bench $(ARGS)

eval: setup-run ## score
	@$(BIN)/copilot eval $(ARGS)

proto: setup-dev ## the gRPC code from schemas/copilot.proto
	$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. --grpc_python_out=. schemas/copilot.proto

lock: ## pin the dependencies again (needs uv); pins that still fit stay
	uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header \
		--no-strip-extras --extra checkout pyproject.toml -o requirements.txt > /dev/null
	uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header \
		--no-strip-extras --extra checkout --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt > /dev/null

clean: ## remove the environment and what tools cached; never the data directory
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage coverage.xml htmlcov dist build
	find $(CODE) tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@sh deploy/setup.sh run

setup-dev:
	@sh deploy/setup.sh dev
