#!/bin/sh
# Builds the wheel into dist/ and puts a copy beside the app, which installs it from there. PYTHON and PIP_WHEEL choose how.
set -e
rm -rf dist build bundle/app/*.whl
"${PYTHON:-python3}" -m pip wheel --quiet --no-deps ${PIP_WHEEL:-} --wheel-dir dist .
cp dist/insights_assets-*.whl bundle/app/
