#!/bin/sh
# Makes .venv with the pinned dependencies and the project in it; does nothing when they are there already.
# Usage: sh deploy/setup.sh run|dev       PYTHON=… chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
    run) requirements=requirements.txt ;;
    dev) requirements=requirements-dev.txt ;;
    *) echo "usage: sh deploy/setup.sh run|dev" >&2; exit 2 ;;
esac
python=.venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_USER=no
unset PYTHONHOME

say() { echo "setup: $*" >&2; }

fail() { say "$*"; exit 1; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        recent "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11 or newer that runs here"
        echo "$PYTHON"
        return
    fi
    # The pins were resolved for 3.11; a version manager's shim may be there without the version behind it.
    for name in python3.11 python3.12 python3.13 python3 python /usr/bin/python3; do
        if command -v "$name" >/dev/null && recent "$name"; then
            echo "$name"
            return
        fi
    done
    found=$(python3 --version 2>&1 || echo "no python3")
    fail "Python 3.11 or newer is needed, and this machine has $found: install one, or name it with PYTHON=…"
}

# What the environment was made of: other contents, another place or another interpreter make it anew.
fingerprint() {
    { pwd -P; "$python" --version; cat "$requirements" pyproject.toml deploy/setup.sh; } 2>/dev/null | cksum
}

quiet() { [ -t 2 ] || echo "--quiet"; }

install_with_uv() {
    command -v uv >/dev/null && uv --version >/dev/null 2>&1 || return 1
    say "installing with uv: $*"
    # Compiled now: otherwise every process that may not write beside the packages compiles them anew.
    uv pip install $(quiet) --compile-bytecode --python "$python" "$@" && return 0
    say "uv could not; trying pip"
    return 1
}

install_with_pip() {
    say "installing with pip: $* (takes a minute)"
    # The pip of the base interpreter, so that Debian's python3-venv is not needed.
    if "$base" -m pip --python "$python" --version >/dev/null 2>&1; then
        "$base" -m pip --python "$python" install $(quiet) "$@"
    elif "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null 2>&1; then
        "$python" -m pip install $(quiet) "$@"
    else
        fail "neither pip 22.3 or newer nor uv is here: install one, e.g. apt-get install python3-pip"
    fi
}

install() { install_with_uv "$@" || install_with_pip "$@"; }

# What `dev` installs includes what `run` needs.
for stamp in ".venv/.stamp-$1" .venv/.stamp-dev; do
    kind=${stamp##*-}
    requirements=$([ "$kind" = dev ] && echo requirements-dev.txt || echo requirements.txt)
    if [ -f "$stamp" ] && [ -x "$python" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
        exit 0
    fi
done
kind=$1
requirements=$([ "$kind" = dev ] && echo requirements-dev.txt || echo requirements.txt)

base=$(choose_python)
place=$(pwd -P)
if [ "$(cat .venv/.place 2>/dev/null)" != "$place" ] || ! recent "$python"; then
    say "making .venv with $("$base" --version)"
    rm -rf .venv
    "$base" -m venv --without-pip .venv || fail "$base cannot make a virtual environment: is its module venv there?"
    echo "$place" > .venv/.place
fi
rm -f .venv/.stamp-*
install --require-hashes -r "$requirements" || fail "the dependencies could not be installed (see above)"
install --no-deps --no-build-isolation -e . || fail "the project could not be installed (see above)"
fingerprint > ".venv/.stamp-$kind"
