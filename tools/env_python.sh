# Sourced by the scripts beside it: which Python they use.

# Print the Python of the active environment; fail if none is active. Conda's base
# environment does not count, because many shells activate it unasked.
active_python() {
    if [[ -n ${VIRTUAL_ENV:-} ]]; then
        echo "$VIRTUAL_ENV/bin/python"
    elif [[ -n ${CONDA_PREFIX:-} && ${CONDA_DEFAULT_ENV:-base} != base ]]; then
        echo "$CONDA_PREFIX/bin/python"
    else
        return 1
    fi
}

# env_python ROOT: print the Python of the active environment, or else of ROOT/.venv,
# or else `python`.
env_python() {
    if active_python; then
        return
    elif [[ -x $1/.venv/bin/python ]]; then
        echo "$1/.venv/bin/python"
    else
        echo python
    fi
}

# check_port PORT: fail where something listens there already. Only the first machine
# opens it.
check_port() {
    if [[ ${NODE_RANK:-0} == 0 ]] && (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
        echo "Port $1 is in use, perhaps by another run. Choose another one:" \
            "PORT=$(($1 + 1)) bash $0 ..." >&2
        exit 1
    fi
}

# share_cores N: let each of N processes have its part of the cores. Without this
# every process takes all of them, or torchrun gives each just one.
share_cores() {
    local threads=$(($(nproc) / $1))
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((threads > 0 ? threads : 1))}
    export MKL_NUM_THREADS=${MKL_NUM_THREADS:-$OMP_NUM_THREADS}
}
