#!/usr/bin/env bash
# Make the venv that the Makefile's commands run in: this project, its tools, and a Go where the machine has none.
set -euo pipefail

venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "Python 3.11 or newer is needed; $python is $("$python" -V)" >&2; exit 3; }

if ! "$python" -m venv "$venv" 2>/dev/null; then
  # Debian keeps the venv module in a package of its own.
  echo "python3-venv is missing: installing it" >&2
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq && $sudo apt-get install -y -qq python3-venv >&2
  "$python" -m venv --clear "$venv"
fi

extras=dev
version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || true)
case "$version" in
  go1.2[5-9]* | go1.[3-9][0-9]* | go[2-9]*) ;;
  *) extras=dev,go ;;
esac
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
# Where Python is told to keep nothing that it compiles, each start of the tool would compile all of it.
"$venv/bin/python" -m compileall -q dubbopy_cli
