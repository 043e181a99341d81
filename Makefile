# Two commands on a fresh machine: `make bench` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2

# Every worker process imports torch, which takes twice as long where nobody keeps its bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench test test-browser test-extras test-slurm test-ray check perf baseline baseline-check matrix selfcheck selfcheck-slots handing-out replicate processes coverage \
	advised upstream report results report-speed test-gpu bench-gpu rehearse-gpu wheelhouse schema lock clean
.DEFAULT_GOAL := help

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bench: $(READY)  ## Set up and run the main job
	@$(BIN)/python -m bench --verbose

# One process a core, each of which takes over what another has not come to; numba compiles what runs
# once without optimising it.
test: $(READY)  ## Set up and run all tests that need no GPU
	@OMP_NUM_THREADS=1 NUMBA_OPT=0 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal \
		--durations=10

test-extras: $(READY)  ## The tests of what is large, and of libraries in layers of their own
	@$(BIN)/python -m tools.extras

test-browser: $(READY)  ## The tests of the web page, in a headless Chromium
	@$(BIN)/python -m tools.browser_tests

test-slurm: $(READY)  ## The tests of job arrays, on a Slurm that is started here for them
	@$(BIN)/python -m tools.slurm_here

CASES ?= 60

test-ray: $(READY)  ## CASES=60 on slots that are killed every 10 s: Ray's nodes, and this machine's
	@CASES=$(CASES) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m ray tests/ray --durations=5

check: $(READY)  ## Lint, format, types, who may import whom, and workflows
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.workflows

PERF ?= runs/perf.json

perf: $(READY)  ## Our cases as tests of pytest-benchmark, into PERF=runs/perf.json
	@mkdir -p $(dir $(PERF))
	@$(BIN)/python -m pytest tests/perf --benchmark-json=$(PERF)

baseline: $(READY)  ## Count what runs do here, into results/baselines/
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.baseline write

matrix: $(READY)  ## Count the matrix of docs/truth.md again, and hold it against results/matrix/
	@$(BIN)/python -m tools.matrix

baseline-check: $(READY)  ## Count again, against the baseline of this environment
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.baseline check

selfcheck: $(READY)  ## This engine against its peers: error between equals, power to see 3 %
	@$(BIN)/python -m tools.selfcheck

RUNS ?= 8

selfcheck-slots: $(READY)  ## What slots beside each other cost: error between equals, ratios, against one alone
	@$(BIN)/python -m tools.slots.beside

handing-out: $(READY)  ## What 64 slots and 20,000 cases cost the process that hands cases out
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.slots.handing_out

replicate: $(READY)  ## The main job RUNS=8 times: how far its answers agree, into results/
	@$(BIN)/python -m tools.replication --runs $(RUNS)

processes: $(READY)  ## Do forked workers differ as fresh ones do, and how soon are they ready?
	@$(BIN)/python -m tools.processes

advised: $(READY)  ## Do the lines that advise says to paste gain what it says they do?
	@$(BIN)/python -m tools.advised

upstream: $(READY)  ## What our changes to other libraries gain: docs/upstream/, of released versions
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.upstream

report: $(READY)  ## Everything under results/: the page, tables, plots, into report/
	@for format in html md latex csv json; do \
		$(BIN)/python -m bench report results --format $$format --out report || exit; done
	@$(BIN)/python -m bench report results --format figures --out report/plots

results: $(READY)  ## What README and docs show of the committed records: tables, pictures, docs/sample/
	@$(BIN)/python -m tools.results

report-speed: $(READY)  ## How fast reports are: 10,000 comparisons, 2,000 rows in a browser
	@$(BIN)/python -m tools.report_speed

coverage: $(READY)  ## How often the intervals hold, on made-up data with a known answer
	@$(BIN)/python -m tools.coverage

# Everything below the next two lines leaves what is installed as it is: it runs under $(PYTHON).

test-gpu:  ## The tests that need a CUDA GPU, most telling first; skips what 165 s have no time for
	@$(PYTHON) -m pytest -m gpu tests/test_gpu.py -rfEs --deadline 165

MINUTES ?= 9
OUT ?=

bench-gpu:  ## MINUTES=9 on a CUDA GPU, most telling first, into OUT=results/<gpu>; again: goes on
	@$(PYTHON) -m tools.bench_gpu --minutes $(MINUTES) $(if $(OUT),--out $(OUT))

PYTHON_VERSION ?= 3.12
PLATFORM ?= x86_64
HAVE ?=
TEXT ?=
MINIMAL ?=

wheelhouse: $(READY)  ## Wheels for a GPU without network: PYTHON_VERSION=3.12 HAVE=pip-list.txt TEXT=1 MINIMAL=1
	@$(BIN)/python -m tools.wheelhouse --python-version $(PYTHON_VERSION) --platform $(PLATFORM) \
		$(if $(HAVE),--have $(HAVE)) $(if $(TEXT),--text) $(if $(MINIMAL),--minimal)

rehearse-gpu: $(READY)  ## What bench-gpu does, in its order, small, on the CPU: three minutes on two cores
	@out=$$(mktemp -d) && trap 'rm -rf "$$out"' EXIT && \
		OMP_NUM_THREADS=1 $(BIN)/python -m tools.bench_gpu --device cpu --small --minutes 15 --out "$$out"

schema: $(READY)  ## Write the JSON Schema of the records and docs/records.md
	@$(BIN)/python -m tools.schema

lock: $(BIN)/uv  ## Resolve the lock again
	@$(BIN)/uv pip compile pyproject.toml --extra libraries --extra adv-lib --extra beyond --extra text --extra rl --extra gpu \
		--extra slurm --extra ray --extra selfcheck \
		--extra dev --universal --python-version 3.10 --generate-hashes --no-header --quiet --upgrade \
		--output-file requirements.lock
	@echo uv | $(BIN)/uv pip compile - --universal --python-version 3.10 --generate-hashes \
		--no-header --quiet --output-file requirements-uv.lock

clean:  ## Remove what was set up
	rm -rf $(VENV) *.egg-info

$(READY): requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing what requirements.lock names into $(VENV) ..." >&2
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/uv: | requirements-uv.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v < (3, 14) else \
		"make: Python 3.10 to 3.13 is needed, %s is %d.%d; name another: make PYTHON=python3.12" \
		% (sys.executable, *v))'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-uv.lock
