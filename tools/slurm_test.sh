#!/usr/bin/env bash
# Test on a Slurm cluster:
#
#   GPUS=16 bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of test.py]
#
# GPUS (8) processes, GPUS_PER_NODE (8) on a machine, CPUS_PER_TASK (5) cores for each.
# PORT is where they meet, SRUN_ARGS goes to srun, and GRES= (empty) asks for no GPU.
set -euo pipefail
if [[ $# -lt 4 ]]; then
    echo "usage: bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of test.py]" >&2
    exit 2
fi
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$tools/env_python.sh"
per_node=${GPUS_PER_NODE:-8}
gres=${GRES-gpu:$per_node}
[[ -z ${PORT:-} ]] || export MASTER_PORT=$PORT
# SRUN_ARGS holds several words.
# shellcheck disable=SC2086
exec srun --partition="$1" --job-name="$2" ${gres:+--gres="$gres"} \
    --ntasks="${GPUS:-8}" \
    --ntasks-per-node="$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "$(env_python "$tools/..")" -u "$tools/test.py" "$3" "$4" --launcher slurm "${@:5}"
