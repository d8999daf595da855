#!/usr/bin/env bash
# Everything that a machine with a GPU must run, in one go of under ten minutes: the device's answers against the
# reference, the sanitizers, the benchmarks, training end to end and its quality.
#   gpu.sh [--dry-run] [STAGE...]
# From a checkout it builds first, unless UNFOLD_BUILD names a build; from an unpacked bundle with tests it runs as it
# is. A stage that fails does not stop those after it. Writes into ${OUT:-gpu-results}:
#   log.txt          what every stage printed
#   stages.tsv       stage, result, seconds
#   results.json     machine, commit, every number; results.md: the same as a page
#   details.tar.gz   a log a stage, the benchmarks' JSON, histories and scores
# Exit code: 0 where no stage failed, 1 where one did, 2 usage, 4 no device.
# STAGE...: these alone, each with all the time that is left; `large` (100 million interactions) is run only so.
# --dry-run: the same stages on the CPU with tiny sizes and no results page, to try this script; no device is used.
# UNFOLD_DATA: folder of real data; ml-100k in it is used where present.
# shellcheck disable=SC2317  # stages are called by name
set -euo pipefail

# Seconds in all, and at most a stage: together with what comes between, under ten minutes.
readonly total_limit=575
declare -rA limits=(
  [build]=240 [machine]=20 [selfcheck]=40 [parity]=60 [memcheck]=50 [racecheck]=50 [initcheck]=40 [synccheck]=40
  [benchmarks]=80 [training]=75 [softmax]=40 [quality]=45 [graphs]=15 [ranking]=20 [large]=$total_limit)
readonly all_stages=(machine selfcheck parity memcheck racecheck initcheck synccheck benchmarks training softmax quality
  graphs ranking)
readonly stages_on_request=(large)
readonly skipped=77

fail() {
  printf 'gpu.sh: %s\n' "$2" >&2
  exit "$1"
}
skip() {
  printf 'skipped: %s\n' "$*"
  exit "$skipped"
}

find_programs() {
  if [[ -x $here/unfold_tests ]]; then
    program=$(realpath "$here/../bin/unfold") tests=$here/unfold_tests benches=$here
  else
    local build=${UNFOLD_BUILD:-$here/../build/release}
    program=$build/host/unfold tests=$build/tests/unfold_tests benches=$build/bench
  fi
}
data_folder() { printf '%s' "${UNFOLD_DATA:-$here/../../shared/data}"; }
has_train_option() { "$program" train --help | grep -- "$1 " >/dev/null; }
table_types() { if has_train_option --table-type; then printf 'float32 float16'; else printf 'float32'; fi; }
# A folder with cuBLAS as Python packages bring it: machines with PyTorch may have no toolkit.
python_cublas() {
  type -P python3 >/dev/null || return 0
  python3 -c 'import glob, os, sys
found = [f for d in sys.path for f in glob.glob(d + "/nvidia/*/lib/libcublas.so.*")]
print(os.path.dirname(found[0]) if found else "")'
}
sanitizer() { PATH=$PATH:/usr/local/cuda/bin type -P compute-sanitizer; }

# train_once NAME OPTION...: trains, and keeps history and scores as details/NAME.*.
train_once() {
  local name=$1 from=$EPOCHREALTIME
  shift
  "$program" train "$@" --out "$work/$name.model" --overwrite --quiet --json >"$details/$name.scores.json"
  cp "$work/$name.model/history.jsonl" "$details/$name.history.jsonl"
  awk -v from="$from" -v to="$EPOCHREALTIME" -v name="$name" \
    'BEGIN {printf "%-28s %.1f s in all; ", name, to - from}'
  tail -n 1 "$details/$name.history.jsonl"
}

# with_table_type TYPE: the options of it; float32 is the default, so that programs without the option train too.
with_table_type() { if [[ $1 != float32 ]]; then printf -- '--table-type %s' "$1"; fi; }

stage_build() {
  cmake --version >/dev/null || return
  (cd "$here/.." && cmake --preset release -DUNFOLD_CUDA="$([[ $dry_run == 1 ]] && echo AUTO || echo ON)" \
    -DUNFOLD_BUILD_TESTS=ON -DUNFOLD_BUILD_BENCH=ON && cmake --build --preset release -j "$(nproc)")
}

stage_machine() {
  if type -P nvidia-smi >/dev/null; then
    nvidia-smi || [[ $dry_run == 1 ]]
  else
    printf 'nvidia-smi is not here\n'
  fi
  uname -srm
  "$program" info
  "$program" info --json >"$details/info.json"
}

stage_selfcheck() {
  if [[ $dry_run == 1 ]]; then
    "$program" selfcheck --device cpu --quick
  else
    "$program" selfcheck --device cuda
  fi
}

# The cases of the device in the parity suite, or in a dry run those of the CPU.
stage_parity() {
  if [[ $dry_run == 1 ]]; then
    "$tests" --gtest_filter='*/Cpu*-*PastTwoToTheThirtyOne*:*TooLargeAnAllocation*' --gtest_brief=1
  else
    UNFOLD_REQUIRE_GPU=1 "$tests" --gtest_filter='*Cuda*'
  fi
}

sanitize() {
  local tool
  tool=$(sanitizer) || skip "compute-sanitizer is neither on PATH nor in /usr/local/cuda/bin"
  [[ $dry_run == 0 ]] || skip "$tool is here, and needs a device"
  "$tool" --tool "$1" --error-exitcode 86 "$program" selfcheck --quick --device cuda
}
stage_memcheck() { sanitize memcheck; }
stage_racecheck() { sanitize racecheck; }
stage_initcheck() { sanitize initcheck; }
stage_synccheck() { sanitize synccheck; }

stage_benchmarks() {
  local bench name status=0 any=0 first options=(--benchmark_min_time=0.1)
  for bench in "$benches"/*_bench; do
    [[ -x $bench ]] || continue
    any=1 name=${bench##*/}
    printf -- '-- %s\n' "$name"
    if [[ $dry_run == 1 ]]; then # one case of each
      first=$("$bench" --device=cpu --benchmark_list_tests | sed -n 1p)
      options=(--benchmark_min_time=0.001 --benchmark_filter="^$first\$")
    fi
    "$bench" --device="$device" "${options[@]}" --benchmark_out="$details/$name.json" --benchmark_out_format=json ||
      status=1
  done
  [[ $any == 1 ]] || skip "there are no benchmarks in $benches"
  return "$status"
}

stage_training() {
  local users=1000000 items=100000 ratings=20000000 dims='64 128' epochs=12
  [[ $dry_run == 0 ]] || users=2000 items=500 ratings=50000 dims='16' epochs=2
  "$program" synth "$work/training.csv" --users "$users" --items "$items" --ratings "$ratings" --dim 8 --noise 0.5
  "$program" import "$work/training.csv" --out "$work/training.data"
  rm "$work/training.csv"
  local dim type
  for dim in $dims; do
    for type in $(table_types); do
      # shellcheck disable=SC2046
      train_once "training-mf-$dim-$type" "$work/training.data" --split none --no-ranking --dim "$dim" \
        --epochs "$epochs" --device "$device" $(with_table_type "$type")
    done
  done
}

# train_softmax NAME EPOCHS OPTION...: sampled softmax with scores of either type.
train_softmax() {
  local name=$1 epochs=$2 type
  shift 2
  for type in float32 bfloat16; do
    train_once "$name-scores-$type" "$@" --model softmax --validation none --epochs "$epochs" --device "$device" \
      --score-type "$type"
  done
}

stage_softmax() {
  local sizes=(--users 200000 --items 50000 --ratings 5000000) epochs=4 folder
  [[ $dry_run == 0 ]] || sizes=(--users 500 --items 200 --ratings 20000) epochs=2
  "$program" synth "$work/softmax.csv" "${sizes[@]}" --dim 8
  train_softmax softmax-synthetic "$epochs" "$work/softmax.csv" --split none --no-ranking --batch-size 8192 \
    --n-negatives 2048
  folder=$(data_folder)/gowalla
  if [[ $dry_run == 1 ]]; then
    printf 'gowalla is left out of a dry run\n'
  elif [[ -r $folder/train.txt && -r $folder/test.txt ]]; then
    train_softmax softmax-gowalla "$epochs" "$folder/train.txt" --test "$folder/test.txt"
  else
    printf 'gowalla is not in %s: set UNFOLD_DATA\n' "$(data_folder)"
  fi
}

# An epoch over 100 million interactions.
stage_large() {
  local sizes=(--users 2000000 --items 500000 --ratings 100000000)
  [[ $dry_run == 0 ]] || sizes=(--users 2000 --items 500 --ratings 50000)
  "$program" synth "$work/large.csv" "${sizes[@]}" --dim 8
  "$program" import "$work/large.csv" --out "$work/large.data"
  rm "$work/large.csv"
  train_softmax large 1 "$work/large.data" --split none --no-ranking --batch-size 65536 --n-negatives 4096
}

# The same training on the CPU and on the device, in either table type.
quality_of() {
  local name=$1 type where
  shift
  for type in $(table_types); do
    for where in cpu "$device"; do
      # shellcheck disable=SC2046
      train_once "quality-$name-$where-$type" "$@" --no-ranking --device "$where" $(with_table_type "$type")
      [[ $where != "$device" ]] || break
    done
  done
}

stage_quality() {
  local folder sizes=(--users 20000 --items 4000 --ratings 2000000)
  [[ $dry_run == 0 ]] || sizes=(--users 500 --items 200 --ratings 20000)
  folder=$(data_folder)/ml-100k
  if [[ -r $folder/u1.base && -r $folder/u1.test ]]; then
    local epochs=20
    [[ $dry_run == 0 ]] || epochs=2
    quality_of ml-100k-u1 "$folder/u1.base" --test "$folder/u1.test" --epochs "$epochs"
  else
    printf 'ml-100k is not in %s: set UNFOLD_DATA\n' "$(data_folder)"
  fi
  "$program" synth "$work/quality.csv" "${sizes[@]}" --dim 8 --noise 0.5
  quality_of synthetic "$work/quality.csv" --split random:0.1 --dim 16 --l2 0.02 --epochs 10
  if type -P python3 >/dev/null; then
    python3 "$here/gpu_report.py" quality "$details"
  fi
}

# Small deterministic steps, launched op by op and as one graph: seconds of an epoch, and the same model either way.
stage_graphs() {
  local sizes=(--users 20000 --items 4000 --ratings 1000000) batch=4096
  [[ $dry_run == 0 ]] || sizes=(--users 500 --items 200 --ratings 20000) batch=1024
  "$program" synth "$work/graphs.csv" "${sizes[@]}" --dim 8 --noise 0.5
  local options=(--split none --no-ranking --dim 64 --epochs 3 --deterministic --batch-size "$batch" --device "$device")
  train_once graphs-off "$work/graphs.csv" "${options[@]}"
  train_once graphs-on "$work/graphs.csv" "${options[@]}" --cuda-graph
  cmp "$work/graphs-off.model/tensors.safetensors" "$work/graphs-on.model/tensors.safetensors"
}

# Full ranking of one model on the CPU and on the device, which takes cuBLAS.
stage_ranking() {
  local where
  "$program" synth "$work/ranking.csv" --users 5000 --items 2000 --ratings 200000 --dim 8
  "$program" train "$work/ranking.csv" --split none --epochs 3 --device cpu --quiet --out "$work/ranking.model"
  "$program" synth "$work/ranking-test.csv" --users 5000 --items 2000 --ratings 20000 --dim 8 --seed 2
  for where in cpu "$device"; do
    "$program" evaluate "$work/ranking.model" --test "$work/ranking-test.csv" --device "$where" --quiet --json \
      >"$details/ranking-$where.scores.json"
  done
  cat "$details/ranking-$device.scores.json"
}

# run_stage NAME: the stage as a process of its own, under its limit and what is left of the whole.
run_stage() {
  local name=$1 from=$SECONDS left limit status=0 result
  left=$((total_limit - SECONDS))
  limit=${limits[$name]}
  [[ $chosen == 0 ]] || limit=$left
  limit=$((limit < left ? limit : left))
  printf '\n== %s (at most %d s)\n' "$name" "$((limit > 0 ? limit : 0))"
  if ((limit > 0)); then
    timeout -k 5 "$limit" bash "$script" --stage "$name" 2>&1 | tee "$details/$name.log" || status=${PIPESTATUS[0]}
    case $status in
      0) result=passed ;;
      "$skipped") result=skipped ;;
      124 | 137) result="out of time" ;;
      *) result="failed ($status)" ;;
    esac
  else
    result="out of time"
  fi
  case $result in passed | skipped) ;; *) any_failed=1 ;; esac
  printf '%s\t%s\t%d\n' "$name" "$result" "$((SECONDS - from))" >>"$OUT/stages.tsv"
  printf '== %s: %s, %d s\n' "$name" "$result" "$((SECONDS - from))"
}

# After every stage, so that a run that is cut short leaves what it has.
keep_results() {
  tar -czf "$OUT/details.tar.gz" -C "$work" details
  if type -P python3 >/dev/null; then
    python3 "$here/gpu_report.py" report "$details" "$OUT" "$dry_run" || any_failed=1
  else
    printf 'python3 is not here: no summary; the numbers are in %s/details.tar.gz\n' "$OUT"
  fi
}

run_all() {
  any_failed=0
  if [[ ! -x $here/unfold_tests && -z ${UNFOLD_BUILD:-} ]]; then
    run_stage build
  fi
  [[ -x $program ]] || fail 1 "$program is not there: nothing can run. Without the packages to build it, run this \
script from a bundle with tests (docs/bundle.md)."
  if [[ $dry_run == 1 ]]; then
    printf '\nDRY RUN on the CPU with tiny sizes: no number below is a GPU'\''s.\n'
  elif "$program" info | grep '^GPU  *none'; then
    fail 4 "there is no device to run on; gpu.sh --dry-run tries the script on the CPU."
  fi
  local stage
  for stage in "${stages[@]}"; do
    run_stage "$stage"
    keep_results
  done
  printf '\n%s\n' "Everything is in $OUT."
  [[ $dry_run == 0 ]] || printf 'DRY RUN: no number here is a GPU'\''s, and no page of results was written.\n'
  printf '\n%-12s %-14s %s\n' stage result seconds
  awk -F '\t' '{printf "%-12s %-14s %s\n", $1, $2, $3}' "$OUT/stages.tsv"
  exit "$any_failed"
}

script=$(realpath "${BASH_SOURCE[0]}")
here=$(dirname "$script")
find_programs
dry_run=${UNFOLD_DRY_RUN:-0}
if [[ ${1:-} == --stage ]]; then # one stage, in the process that run_stage starts
  device=cuda
  [[ $dry_run == 0 ]] || device=cpu
  "stage_$2"
  exit
fi
dry_run=0
if [[ ${1:-} == --dry-run ]]; then
  dry_run=1
  export CUDA_VISIBLE_DEVICES=-1
  shift
fi
chosen=$#
stages=("$@")
[[ $chosen -gt 0 ]] || stages=("${all_stages[@]}")
for stage in "${stages[@]}"; do
  [[ " ${all_stages[*]} ${stages_on_request[*]} " == *" $stage "* ]] ||
    fail 2 "there is no stage $stage; stages: ${all_stages[*]} ${stages_on_request[*]}"
done

OUT=$(realpath -m "${OUT:-gpu-results}")
mkdir -p "$OUT"
rm -f "$OUT"/{log.txt,stages.tsv,results.json,results.md,dry-run.json,details.tar.gz}
work=$(mktemp -d)
details=$work/details
mkdir "$details"
trap 'rm -rf "$work"' EXIT
cublas=$(python_cublas)
if [[ -n $cublas ]]; then # the last place of all
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$cublas
fi
export OUT work details UNFOLD_DRY_RUN=$dry_run UNFOLD_CACHE=$work/cache
run_all 2>&1 | tee "$OUT/log.txt"
