# Presswork. `make` alone lists what there is.
#
# Needs python3 >= 3.11 and make; everything else is installed into .venv from the locked, hashed requirements.

SHELL := /bin/sh
PY := .venv/bin/python
DATA := .data
export PRESSWORK_DATA_DIR := $(DATA)
# Or each of seven processes compiles all it imports at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up down status test bench docs migrate dsn trace parked rebuild retention admin check-schema db-report backup restore verify-backup lint types lock clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Made again when the lock or the way to install it changes.
.venv/.ready: requirements-dev.txt deploy/setup.sh
	@sh deploy/setup.sh

demo: .venv/.ready ## the main job on a real article, printed; SOURCE=path-or-url for your own text
	@$(PY) -m deploy.demo $(if $(SOURCE),'$(SOURCE)')

up: .venv/.ready ## the whole platform, kept running; PORT=8080, DETACH=1 returns when it is ready
	@$(PY) -m deploy.embedded up $(if $(PORT),--port '$(PORT)') $(if $(DETACH),--detach)

down: .venv/.ready ## stop the platform
	@$(PY) -m deploy.embedded down

status: .venv/.ready ## what runs, and where
	@$(PY) -m deploy.embedded status

# Tests wait more than they compute, so there are more processes than cores. The servers that some of them publish on
# take minutes to install, once: that begins first, beside everything else.
WORKERS = 3
PREPARE = $(PY) -m tests.servers >.cache/servers.log 2>&1 & trap "kill -- -$$! $$! 2>/dev/null || true" EXIT; \
	trap 'exit 130' INT TERM;

test: .venv/.ready ## every test: lint, types, unit to end-to-end; ARGS=tests/unit only some, WORKERS=0 one after the other
	@mkdir -p .cache
	@$(if $(ARGS),,$(PREPARE)) make --no-print-directory lint types && \
		$(PY) -m pytest --junitxml=.cache/tests.xml --numprocesses=$(WORKERS) --no-loadscope-reorder $(ARGS)

bench: .venv/.ready ## the promised figures, each with its ratio to a limit or peer
	@$(PY) -m tests.bench $(ARGS)

.PHONY: growth
growth: .venv/.ready ## a store filled with so many events, and the same figures at each size; EVENTS="1000000 10000000"
	@$(PY) -m tests.bench.growth $(EVENTS) $(ARGS)

docs: .venv/.ready ## write the generated documents again
	@$(PY) -m deploy.docs

.PHONY: posts
posts: .venv/.ready ## docs/posts.md again: one article, and what the offline engine makes of it
	@$(PY) -m deploy.docs.posts

migrate: .venv/.ready ## bring the running platform's schemas up to date (`make up` does it, too)
	@$(PY) -m deploy.embedded exec -- $(PY) -m deploy.migrate

dsn: .venv/.ready ## a connection string for psql; SERVICE=workflow
	@$(PY) -m deploy.embedded dsn '$(or $(SERVICE),$(error say which: make dsn SERVICE=workflow))'

trace: .venv/.ready ## a request's spans across the services as a tree; ID=trace-id
	@PRESSWORK_TRACES_DIR='$(DATA)/traces' $(PY) -m shared.telemetry.trace '$(or $(ID),$(error say which: make trace ID=...))'

parked: .venv/.ready ## events that failed too often; RETRY=all or RETRY=stream-id has them tried again; SERVICE=...
	@$(PY) -m deploy.embedded exec -- $(PY) -m shared.parked $(if $(RETRY),retry $(if $(filter all,$(RETRY)),--all,--stream '$(RETRY)'),list) $(if $(SERVICE),--service '$(SERVICE)')

rebuild: .venv/.ready ## fill read tables again from the events, from where one stopped unless FRESH=1; SERVICE=workflow TABLE=workflows, default all; AS_OF=2026-01-01T00:00Z copies them as they stood
	@$(PY) -m deploy.embedded exec -- $(PY) -m shared.rebuild $(if $(SERVICE),'$(SERVICE)') $(if $(SERVICE),$(TABLE),$(if $(TABLE),$(error say whose: make rebuild SERVICE=... TABLE=$(TABLE)))) $(if $(AS_OF),--as-of '$(AS_OF)') $(if $(FRESH),--fresh)

.PHONY: copies
copies: .venv/.ready ## copies of read tables made by AS_OF, and what stopped rebuilds left; SERVICE=..., and DROP=name removes one
	@$(PY) -m deploy.embedded exec -- $(PY) -m shared.rebuild $(if $(SERVICE),'$(SERVICE)') $(if $(DROP),--drop '$(DROP)',--copies)

.PHONY: recreate
recreate: .venv/.ready ## read tables that were dropped, made and filled again; SERVICE=...
	@$(PY) -m deploy.embedded exec -- $(PY) -m deploy.recreate $(if $(SERVICE),'$(SERVICE)')

retention: .venv/.ready ## let go what is too old, as happens every day by itself; SERVICE=..., DRY_RUN=1 only shows it
	@$(PY) -m deploy.embedded exec -- $(PY) -m shared.retention $(if $(SERVICE),'$(SERVICE)') $(if $(DRY_RUN),--dry-run)

check-schema: .venv/.ready ## hold the running platform's schemas against the documents they come from; DSN=any other database
	@$(if $(DSN),PRESSWORK_POSTGRES_URL='$(DSN)',$(PY) -m deploy.embedded exec --) $(PY) -m deploy.schema check

admin: .venv/.ready ## give an account the role of an administrator; EMAIL=ada@example.org
	@$(PY) -m deploy.embedded exec -- $(PY) -m services.auth.administrators '$(or $(EMAIL),$(error say whose: make admin EMAIL=...))'

db-report: .venv/.ready ## sizes, growth, use of indexes, slow queries, cache, connections, bloat; DSN=any other database
	@$(if $(DSN),PRESSWORK_POSTGRES_URL='$(DSN)',$(PY) -m deploy.embedded exec --) $(PY) -m deploy.report

# Where a database is given, by DSN or PRESSWORK_POSTGRES_URL, it is meant; else the platform's own, running or not.
BACKUP = $(if $(DSN),PRESSWORK_POSTGRES_URL='$(DSN)') $(if $(BACKUP_DIR),PRESSWORK_BACKUP_DIR='$(BACKUP_DIR)') $(PY) -m deploy.backup

backup: .venv/.ready ## database and stored files into BACKUP_DIR (backups); kept for 7 days
	@$(BACKUP) make

restore: .venv/.ready ## FILE=backups/presswork-... into an empty database; REPLACE=1 gives up what is there
	@$(BACKUP) restore '$(or $(FILE),$(error say which: make restore FILE=backups/presswork-...))' $(if $(REPLACE),--replace)

verify-backup: .venv/.ready ## restore the newest backup (or FILE=...) elsewhere, count, check the schemas, rebuild a table
	@$(BACKUP) verify $(if $(FILE),'$(FILE)')

# In a folder of its own: the services run without it, and only the process that listens to a file sees it.
.PHONY: speech
speech: .venv/.ready ## have speech in uploaded sound and video read as text: 480 MB, English; restart the platform then
	@rm -rf '$(DATA)/speech'
	@$(PY) -m uv pip install --quiet --python $(PY) --target '$(DATA)/speech' --require-hashes -r requirements-speech.txt

lint: .venv/.ready ## ruff
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: .venv/.ready ## mypy --strict
	@$(PY) -m mypy

# Dependencies are named in requirements.in (what a container installs), requirements-dev.in (what make adds) and
# requirements-speech.in (what `make speech` adds).
COMPILE = $(PY) -m uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

lock: .venv/.ready ## lock the dependencies; UPGRADE=1 for newer versions
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) requirements.in requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt
	@$(COMPILE) requirements-speech.in --constraints requirements.txt --output-file requirements-speech.txt

clean: ## remove what can be made again; the data only with DATA_TOO=1
	@if [ -e .venv/.ready ]; then $(PY) -m deploy.embedded down; fi
	@if [ -n '$(DATA_TOO)' ] && [ -e .venv/.ready ]; then $(PY) -m deploy.embedded destroy; fi
	@rm -rf .venv .cache .bench .hypothesis .mypy_cache .ruff_cache .pytest_cache deploy/kafka/target
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
