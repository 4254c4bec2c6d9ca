#!/usr/bin/env bash
# Make or reuse a Python environment that has what OAFormer needs:
#
#   bash tools/setup_env.sh [--compiled] [--family NAME] [--extras NAMES]
#
#   --compiled  MMCV with compiled operators, from a wheel or built (about 20 minutes on
#               2 cores, with a C++ compiler). The default where an NVIDIA GPU and nvcc
#               are; elsewhere operators in PyTorch take their place.
#   --family    openmmlab (default) or onedl: whose mmengine, mmcv and mmdet
#   --extras    extras of setup.cfg by commas, such as web,deployment
#
# It is the active virtual or conda environment, or else .venv in the repository.
# Run again, it keeps what is installed and adds what is missing.
# Progress goes to stderr; stdout gets one line, the path of the environment's Python.
#
# Environment variables:
#   PYTHON          what to make .venv with; by default the first Python 3.10 to 3.12
#   PIP_FIND_LINKS  folders with wheels, such as an mmcv that was built before
#   MAX_JOBS        how many compilers may run at once when mmcv is built
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source tools/env_python.sh
exec 3>&1 1>&2

usage() {
    echo "usage: bash tools/setup_env.sh [--compiled] [--family openmmlab|onedl] [--extras NAMES]" >&2
    exit 2
}

compiled=0 family= extras=fast
while (($#)); do
    case $1=${2:-} in
    --compiled=*) compiled=1 ;;
    --family=openmmlab | --family=onedl) family=$2 && shift ;;
    --extras=[a-z]*) extras+=,$2 && shift ;;
    *) usage ;;
    esac
    shift
done

cpu_index=https://download.pytorch.org/whl/cpu
job=

say() { echo "[setup] $*"; }
fail() {
    printf '[setup] error: %s\n' "$@"
    exit 1
}
# Nothing else ends the compilers of a build when this script is interrupted.
trap '[[ -z $job ]] || kill -- "-$job" 2>/dev/null || true' EXIT

# run MESSAGE COMMAND...: run a command with its output in the log, and show every
# half minute that it is still at work.
run() {
    local message=$1 start=$SECONDS beat=30 elapsed progress
    shift
    say "$message"
    printf '\n$ %s\n' "$*" >>"$log"
    # With job control the command and its children are a process group of their own.
    set -m
    "$@" >>"$log" 2>&1 </dev/null &
    job=$!
    set +m
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.5
        elapsed=$((SECONDS - start))
        if ((elapsed >= beat)); then
            # Ninja counts its steps in brackets.
            progress=$(tail -n 200 "$log" | grep -aoE '^ *\[[0-9]+/[0-9]+\]' | tail -n 1 || true)
            say "  ... still at it after $((elapsed / 60)) min $((elapsed % 60)) s" \
                "${progress:+(step ${progress//[\[\] ]/})}"
            beat=$((beat + 30))
        fi
    done
    local pid=$job
    job=
    wait "$pid"
}

# must MESSAGE COMMAND...: as run, but a failure ends the script.
must() {
    run "$@" || {
        tail -n 40 "$log"
        fail "this step failed: $1" "the lines above are the end of $log"
    }
}

pin() { grep "^$1==" requirements.txt; }
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null; }
has() { "$python" -c 'import sys
from importlib.metadata import version
version(sys.argv[1])' "$1" 2>/dev/null; }
has_gpu() { nvidia-smi -L >/dev/null 2>&1; }
has_operators() { "$python" -c 'import torch, mmcv._ext' >>"$log" 2>&1; }
# Without compiled operators mmcv.ops imports only after oaformer.
is_complete() {
    "$python" -c 'import oaformer, cv2, mmdet, mmengine, mmcv.ops, pycocotools.mask' >>"$log" 2>&1
}
is_reachable() {
    timeout 10 "$python" -c 'import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=5)' "$1/" >/dev/null 2>&1
}

# Debian keeps ensurepip in the package python3-venv; without it, pip's own wheel can
# be run to install itself.
bootstrap_pip() {
    "$1" - <<'PY'
import hashlib, json, os, re, subprocess, sys, tempfile
from urllib.parse import urljoin
from urllib.request import Request, urlopen

index = os.environ.get('PIP_INDEX_URL', 'https://pypi.org/simple').rstrip('/') + '/pip/'
accept = {'Accept': 'application/vnd.pypi.simple.v1+json'}
files = json.load(urlopen(Request(index, headers=accept), timeout=60))['files']
releases = [
    (tuple(map(int, match[1].split('.'))), file)
    for file in files
    if (match := re.fullmatch(r'pip-([\d.]+)-py3-none-any\.whl', file['filename']))
    and not file.get('yanked')
]
file = max(releases, key=lambda release: release[0])[1]
content = urlopen(urljoin(index, file['url']), timeout=60).read()
if hashlib.sha256(content).hexdigest() != file['hashes']['sha256']:
    sys.exit('the download of pip is damaged')
with tempfile.TemporaryDirectory() as folder:
    wheel = os.path.join(folder, file['filename'])
    with open(wheel, 'wb') as out:
        out.write(content)
    install = [sys.executable, wheel + '/pip', 'install', '--no-index', wheel]
    sys.exit(subprocess.call(install))
PY
}

make_venv() {
    local base candidate version
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10}; do
        fits "$candidate" && base=$candidate && break
    done
    [[ -n ${base:-} ]] || fail "no Python 3.10, 3.11 or 3.12 was found." \
        "Install one (apt install python3 python3-venv python3-dev) or name one: PYTHON=/path/to/python3.11"
    say "making $root/.venv with $("$base" --version)"
    "$base" -m venv --clear .venv >/dev/null 2>&1 && return
    say "this Python has no ensurepip; fetching pip from the package index"
    if ! { "$base" -m venv --clear --without-pip .venv && bootstrap_pip .venv/bin/python; }; then
        rm -rf .venv
        version=$("$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "no virtual environment could be made." "On Debian or Ubuntu: apt install python$version-venv"
    fi
}

install_torch() {
    local options=()
    if has_gpu; then
        say "an NVIDIA GPU is here: torch is the CUDA build, a download of several GB"
    elif is_reachable "$cpu_index"; then
        options=(--extra-index-url "$cpu_index")
    else
        say "no GPU here, and $cpu_index cannot be reached: unless PIP_FIND_LINKS" \
            "has a CPU build of torch, the CUDA build is taken (several GB; it runs on a CPU, too)"
    fi
    must "installing $(pin torch)" \
        pip install "${options[@]}" --constraint "$constraints" torch setuptools
}

# The two families share the names of their modules.
remove_other_family() {
    local other=(onedl-mmcv onedl-mmdetection onedl-mmengine)
    [[ $family != onedl ]] || other=(mmcv mmcv-lite mmdet mmengine)
    ! has "${other[-1]}" || must "removing the other family" pip uninstall --yes "${other[@]}"
}

check_compiler() {
    local version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    command -v "${CXX:-g++}" >/dev/null && command -v "${CC:-gcc}" >/dev/null ||
        fail "mmcv must be built, and there is no C++ compiler." "On Debian or Ubuntu: apt install build-essential"
    "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        fail "mmcv must be built, and Python's header files are missing." \
            "On Debian or Ubuntu: apt install python$version-dev"
}

# build_mmcv OPTIONS...: build it for the torch that is installed.
build_mmcv() {
    local cores memory_jobs
    check_compiler
    must "installing ninja for the build" pip install ninja
    cores=$(nproc)
    # A compiler that reads torch's headers takes up to 2 GB.
    memory_jobs=$(awk '/MemAvailable/ {print int($2 / 2e6) + 1}' /proc/meminfo)
    export MAX_JOBS=${MAX_JOBS:-$((cores < memory_jobs ? cores : memory_jobs))} MMCV_WITH_OPS=1
    PATH=$(dirname "$python"):$PATH
    if has_gpu && command -v nvcc >/dev/null; then
        export FORCE_CUDA=1
    elif has_gpu; then
        say "warning: there is a GPU but no nvcc (CUDA toolkit), so mmcv's operators will run on the CPU only"
    fi
    say "building mmcv takes about 20 minutes on 2 cores, here with $MAX_JOBS jobs (log: $log)"
    must "building $(pin "$mmcv")" pip install --verbose --no-deps --force-reinstall \
        --no-build-isolation --no-binary "$mmcv" "$@" "$(pin "$mmcv")"
}

install_packages() {
    must "installing the other packages" \
        pip install --constraint "$constraints" --editable ".[$packages,$extras]"
    if ! ((had_opencv)) && has opencv-python; then
        # It shares the folder cv2 with opencv-python-headless, but needs libGL and
        # libxcb of the system.
        must "keeping the OpenCV that needs no display" \
            pip uninstall --yes opencv-python opencv-python-headless
        must "installing it anew" \
            pip install --no-deps "$(pin opencv-python-headless)"
    fi
}

install_compiled() {
    ! has mmcv-lite || must "removing mmcv-lite" pip uninstall --yes mmcv-lite
    if ! has_operators; then
        run "looking for a wheel of $(pin "$mmcv")" pip install --no-deps --force-reinstall \
            --only-binary "$mmcv" "$(pin "$mmcv")" || build_mmcv
    fi
    install_packages
    has_operators && return
    say "this mmcv was made for another torch"
    build_mmcv --no-cache-dir
    has_operators && return
    tail -n 5 "$log"
    fail "mmcv was built, but its operators do not load; see $log"
}

if python=$(active_python); then
    fits "$python" || fail "the active environment's Python ($python) is not 3.10, 3.11 or 3.12." \
        "Activate another environment, or none: then .venv is made."
    say "using the active environment ($python)"
else
    python=$root/.venv/bin/python
    if ! { fits "$python" && "$python" -m pip --version >/dev/null 2>&1; }; then make_venv; fi
    say "using $root/.venv"
fi

prefix=$("$python" -c 'import sys; print(sys.prefix)')
log=$prefix/oaformer-setup.log
# What this script has installed: a digest of its input, family, operators and extras.
stamp=$prefix/oaformer-setup.stamp
digest=$({ echo "$root"; cat requirements.txt setup.cfg pyproject.toml tools/setup_env.sh; } | sha256sum | cut -c 1-32)
old_digest= old_family= old_compiled=0 old_extras=
[[ ! -e $stamp ]] || read -r old_digest old_family old_compiled old_extras <"$stamp"

family=${family:-${old_family:-openmmlab}}
if has_gpu && command -v nvcc >/dev/null; then compiled=1; fi

is_done() {
    local extra
    [[ $old_digest == "$digest" && $old_family == "$family" ]] && ((old_compiled >= compiled)) || return
    for extra in ${extras//,/ }; do
        [[ ,$old_extras, == *",$extra,"* ]] || return
    done
    is_complete
}

if ! is_done; then
    rm -f "$stamp"
    : >"$log"
    constraints=requirements.txt mmcv=mmcv packages=$family
    had_opencv=0
    ! has opencv-python || had_opencv=1
    if [[ $family == onedl ]]; then
        mmcv=onedl-mmcv
        # imaug asks for an older OpenCV but runs with this one; no package of this family
        # needs an old setuptools.
        constraints=$prefix/oaformer-constraints.txt
        grep -v -e '^opencv' -e '^setuptools' requirements.txt >"$constraints"
    fi
    install_torch
    remove_other_family
    # Compiled operators that work stay.
    if has "$mmcv" && has_operators; then compiled=1; fi
    if ((compiled)); then
        [[ $family == onedl ]] || packages=openmmlab-compiled
        install_compiled
    else
        [[ $family == onedl ]] || ! has mmcv || must "removing mmcv" pip uninstall --yes mmcv
        install_packages
    fi
    is_complete || { tail -n 40 "$log"; fail "something does not import although it is installed; see $log"; }
    echo "$digest $family $compiled $extras${old_extras:+,$old_extras}" >"$stamp"
fi
say "ready"
echo "$python" >&3
