#!/usr/bin/env bash
# From a bare clone to a page of what OAFormer predicts, on the CPU:
#
#   bash tools/quickstart.sh
#
# Makes a small synthetic amodal data set, trains a small OAFormer on it, tests it on
# images that it has not seen, prints the amodal AP and shows what it got right and wrong.
# Run again, it keeps the environment and the data set and trains afresh.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n[quickstart] %s\n' "$*"; }

# quietly COMMAND...: run a command with its output in a log, and show only the progress.
quietly() {
    "$@" 2>&1 | tee "$log" | sed -un \
        -e 's/.*\(Epoch(train).*]\)  *base_lr.*\(eta: [0-9:]*\).*\( loss: [0-9.]*\).*/  \1 \2 \3/p' \
        -e 's/.*\(Epoch(val).*\) \(amodal\/segm_mAP: [0-9.]*\) .*/  \1 \2/p' ||
        { tail -n 20 "$log"; echo "[quickstart] error: that did not work; the whole log is in $log" >&2; exit 1; }
}

# Threads that wait for one whose core is busy with something else spin and slow it down:
# with 2 threads and 1 core busy, seven times. So start one for each idle core, and let
# those that wait sleep sooner.
if [[ -z ${OMP_NUM_THREADS:-} ]]; then
    read -r _ _ _ _ before _ </proc/stat
    sleep 1
    read -r _ _ _ _ after _ </proc/stat
    idle=$((((after - before) + $(getconf CLK_TCK) / 2) / $(getconf CLK_TCK)))
    ((idle >= $(nproc))) || export OMP_NUM_THREADS=$((idle > 1 ? idle : 1))
fi
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-5000}

say "1/5 the environment (two minutes the first time)"
python=$(bash tools/setup_env.sh)

config=configs/synth/oaformer_tiny_synth_quick.py
data=data/synth_amodal
work_dir=work_dirs/oaformer_tiny_synth_quick
report=$root/$work_dir/report.html
log=$root/$work_dir/quickstart.log

if [[ -d $data && ! -f $data/annotations/test.json ]]; then
    echo "[quickstart] error: $data has no annotations/test.json: an older version made it." \
        "Move it away and run this again." >&2
    exit 1
elif [[ -d $data ]]; then
    say "2/5 the data set in $data is there already"
else
    say "2/5 making a data set in $data (less than a minute)"
    # It gets its name when it is complete, so that an interrupted run leaves no half of it.
    rm -rf "$data.part"
    "$python" tools/dataset_converters/make_synth_amodal.py --out-dir "$data.part"
    mv "$data.part" "$data"
fi

say "3/5 training (eight minutes on 2 cores)"
mkdir -p "$work_dir"
quietly "$python" tools/train.py "$config" --work-dir "$work_dir"

say "4/5 testing on images that were not trained on (half a minute)"
checkpoint=$(<"$work_dir/last_checkpoint")
predictions=$work_dir/predictions.pkl
quietly "$python" tools/test.py "$config" "$checkpoint" --work-dir "$work_dir" --out "$predictions"
quietly "$python" tools/analysis_tools/analyze_results.py "$config" "$predictions" --out "$report"

say "5/5 results"
"$python" tools/analysis_tools/print_results.py "$work_dir"
cat <<END

What it got right and wrong, in pictures, is on one page, to be opened in a browser:
  $report

What next:
  ${python%/bin/python}/bin/activate   is the environment to activate (source it)
  README.md                  D2SA, COCOA or your own data, training on GPUs
  tools/test.py $config $checkpoint --show-dir DIR   draws every image
END
