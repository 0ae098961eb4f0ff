#!/bin/sh
# Makes .venv and installs the locked requirements into it. Called by make, from the repository's root.
set -eu
LOCK=requirements-dev.txt

fail() { printf '%s\n' "$*" >&2; exit 1; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && recent "$candidate"; then command -v "$candidate"; return; fi
    done
    fail "Presswork needs Python 3.11 or newer: install it (on Debian: apt-get install python3), or name one with PYTHON=..."
}

has_pip() { "$1" -m pip --version >/dev/null 2>&1; }

# Each way leaves a .venv that has pip, or fails.
with_venv() { "$python" -m venv --clear .venv >/dev/null 2>&1 && has_pip .venv/bin/python; }
with_virtualenv() {
    { command -v virtualenv >/dev/null && virtualenv -q --clear -p "$python" .venv || "$python" -m virtualenv -q --clear .venv; } \
        >/dev/null 2>&1 && has_pip .venv/bin/python
}
# An outer pip can fill an empty environment; it changes nothing outside of it.
with_outer_pip() {
    has_pip "$python" && "$python" -m venv --clear --without-pip .venv >/dev/null 2>&1 &&
        "$python" -m pip --python .venv/bin/python install -q pip >/dev/null 2>&1 && has_pip .venv/bin/python
}
with_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "installing python3-venv"
    { apt-get install -qq -y python3-venv || { apt-get update -qq && apt-get install -qq -y python3-venv; }; } >/dev/null 2>&1 && with_venv
}

usable() { [ -x .venv/bin/python ] && recent .venv/bin/python && has_pip .venv/bin/python; }

python=$(find_python)
if ! usable; then
    echo "making the virtual environment"
    with_venv || with_virtualenv || with_outer_pip || with_apt || {
        rm -rf .venv
        fail "Python cannot make virtual environments here: install its venv module (on Debian, as root: apt-get install python3-venv) and try again."
    }
fi

echo "installing the locked requirements"
rm -f .venv/.ready
# uv, from the lock itself, installs in seconds; where it cannot reach what pip is set up to reach, pip does it.
awk '/^[^ #]/ {wanted = /^uv==/} wanted' "$LOCK" > .venv/uv.txt
if .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt &&
    .venv/bin/python -m uv pip sync -q --require-hashes --python .venv/bin/python "$LOCK" 2>.venv/uv.log; then :; else
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r "$LOCK" ||
        fail "the requirements could not be installed: is a package index reachable? $(tail -n 3 .venv/uv.log 2>/dev/null)"
fi
touch .venv/.ready
