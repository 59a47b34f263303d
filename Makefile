# Two commands matter: `make demo` shows the system at work, `make test` checks it. Both need only Python ≥ 3.11 and make.

PYTHON ?= python3
PORT ?= 8000
RUN = .venv/bin
DEV = .venv-dev/bin

# What is asked again with every store on PostgreSQL: whatever writes, reads or judges through one.
ON_POSTGRES = tests/cli tests/feed tests/server tests/property/test_bitemporal.py tests/property/test_told.py \
  tests/sim/test_faults.py \
  tests/scenario/test_episodes.py tests/scenario/test_recount.py tests/scenario/test_retention.py \
  tests/scenario/test_views.py tests/store/test_keys.py

.PHONY: demo test lint docs notebooks soak fuzz bench wheel web lock clean

demo: .venv/ready            ## simulate a city, take its records in, judge them, serve the page
	$(RUN)/tocsin demo demo-city --port $(PORT)

test: .venv-dev/ready        ## run all tests
	$(DEV)/python -m pytest
	TOCSIN_TEST_STORE=postgresql $(DEV)/python -m pytest -m "not sqlite" $(ON_POSTGRES)

lint: .venv-dev/ready        ## style and types
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy

docs: .venv-dev/ready        ## build docs/ into docs/_build
	$(DEV)/python docs/generate.py
	$(DEV)/sphinx-build -q -W -b html docs docs/_build

notebooks: .venv-dev/ready   ## run the notebooks of the guides afresh and keep what they print
	$(DEV)/python docs/notebooks.py

soak: .venv-dev/ready        ## break the store in every way we know, MINUTES=10; prints the seed that fails
	$(DEV)/python tests/soak.py --minutes $(or $(MINUTES),10) --seed $${SEED:-$$(date +%s)}

fuzz: .venv-dev/ready        ## changed samples to every parser, a million in some 15 minutes; prints the input that fails
	$(DEV)/python tests/fuzz.py --minutes $(or $(MINUTES),15) --seed $${SEED:-$$(date +%s)}

bench: .venv-dev/ready       ## measure; figures go into docs/performance.md
	for b in benchmarks/*.py; do PYTHONPATH=tests $(DEV)/python $$b || exit 1; done

wheel: .venv-dev/ready       ## build dist/*.whl with the page in it
	rm -rf dist
	$(DEV)/python -m build --wheel --no-isolation --outdir dist .

web:                         ## build the page from web/ (needs Node ≥ 20); the result is committed
	cd web && npm ci --ignore-scripts && npm run build

lock:                        ## resolve the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --group build -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --extra plot --group build --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .venv-dev dist build docs/_build demo-city

# Each environment is made once, again when its lock file changes. The program itself is installed without the network.
.venv/ready: requirements.lock pyproject.toml $(shell find src -name '*.py' -o -path '*/static/*' -type f)
	test -x $(RUN)/python || $(PYTHON) -m venv .venv
	cmp -s requirements.lock .venv/locked || $(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	cp requirements.lock .venv/locked
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall .
	touch $@

.venv-dev/ready: requirements-dev.lock pyproject.toml
	test -x $(DEV)/python || $(PYTHON) -m venv .venv-dev
	cmp -s requirements-dev.lock .venv-dev/locked || $(DEV)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	cp requirements-dev.lock .venv-dev/locked
	$(DEV)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@
