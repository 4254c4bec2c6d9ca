#!/usr/bin/env bash
# Set the environment up if need be and run the tests:
#
#   bash tools/run_tests.sh [--slow] [any option of pytest]
#
# --slow adds the tests that take longer. The tests run in up to 8 processes, one per
# core; -n 0 runs them in one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$(bash "$root/tools/setup_env.sh" --extras tests)
cd "$root"
# files in their order: otherwise those with the fewest and longest tests come last
exec "$python" -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile \
    --no-loadscope-reorder "$@"
