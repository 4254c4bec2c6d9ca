#!/usr/bin/env bash
# Install Debian's Chromium for the tests that open a page in a browser; without it
# they are skipped:
#
#   bash tools/setup_browser.sh
#
# Needs root. Any other Chromium on the PATH, or named in CHROMIUM, will do as well.
set -euo pipefail

fail() {
    printf '[browser] error: %s\n' "$@" >&2
    exit 1
}
found() {
    local name
    for name in ${CHROMIUM:-chromium chromium-browser google-chrome}; do
        command -v "$name" && return
    done
    return 1
}

if ! browser=$(found); then
    [[ -z ${CHROMIUM:-} ]] || fail "CHROMIUM=$CHROMIUM is not a program."
    command -v apt-get >/dev/null || fail "no apt-get here." \
        "Install Chromium by other means, or name one: CHROMIUM=/path/to/chromium"
    ((EUID == 0)) || fail "only root can install Chromium." \
        "Run as root: apt-get update && apt-get install chromium"
    export DEBIAN_FRONTEND=noninteractive
    # A mirror that hangs must not hold the tests up.
    timeout 120 apt-get -qq update || fail "apt-get update failed."
    timeout 240 apt-get -qq install --yes --no-install-recommends chromium >/dev/null ||
        fail "apt-get install chromium failed."
    browser=$(found) || fail "chromium was installed but is not on the PATH."
fi
echo "[browser] $browser: $("$browser" --version 2>/dev/null)"
