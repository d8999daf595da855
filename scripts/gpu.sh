#!/usr/bin/env bash
# What a machine with a GPU must run while it is there: three parts of a few minutes, each a call of its own.
#   gpu.sh pack                    in a checkout: build/carry/, the bundle with tests and the data, to bring along
#   gpu.sh [--dry-run] PART...     A: machine, parity, trainings and the same on the CPU
#                                  B: benchmarks of ops, profiles of two kernels, memcheck
#                                  C: where a softmax step's time goes, quality, racecheck, a large training
# The programs are those beside this script in an unpacked bundle; in a checkout those of $UNFOLD_BUILD, else of
# build/carry/, else of build/release. The data are in $UNFOLD_DATA, else in build/carry/, else in ../shared/data.
# Each part P writes into ${OUT:-gpu-results}: P.log, P.jsonl (a record a line, as soon as it is known) and what tools
# print, P.*. A run that is cut keeps all of that but the step it was in. gpu_report.py makes the page of results.
# Exit code: 0 where no step failed, 1 where one did, 2 usage, 4 no device.
# --dry-run: the same steps on the CPU with tiny sizes, to try this script.
# shellcheck disable=SC2317  # steps are called by name
set -uo pipefail

# Seconds a part; it has ended by then, whatever is left to do.
declare -rA part_seconds=([A]=240 [B]=180 [C]=150)
readonly seconds_to_end=8 # of those: a step that is out of time has 5 to go

# Name, seconds at most, seconds that must be left to start it, what it runs. What is worth most comes first.
declare -rA part_steps=([A]='
machine                      20  1 machine
parity                       90 15 parity
ratings                      60  5 wait_for ratings
mf-128-float32               35  8 train_mf device 128 float32
gowalla-float32              30  8 train_gowalla device float32
mf-128-bfloat16              35  8 train_mf device 128 bfloat16
gowalla-bfloat16             30  8 train_gowalla device bfloat16
mf-64-float32                30  8 train_mf device 64 float32
gowalla-float32-graph        30  8 train_gowalla device float32 graph
mf-64-bfloat16               30  8 train_mf device 64 bfloat16
gowalla-bfloat16-graph       30  8 train_gowalla device bfloat16 graph
mf-128-float32-twin          40  8 train_mf twin 128 float32
gowalla-float32-twin         40  8 train_gowalla twin float32
mf-128-bfloat16-twin         40  8 train_mf twin 128 bfloat16
gowalla-bfloat16-twin        40  8 train_gowalla twin bfloat16
mf-64-float32-twin           40  8 train_mf twin 64 float32
mf-64-bfloat16-twin          40  8 train_mf twin 64 bfloat16
' [B]='
machine                      20  1 machine
benchmarks                   95 10 benchmarks
profile-softmax_queries      30 10 profile softmax_queries ^softmax_shared/dim:64/negatives:8192/.*scores:2/fused:0
profile-update_segments      30 10 profile update_segments ^update_rows/dim:128/optimizer:0/type:0
memcheck                     90 15 sanitize memcheck
' [C]='
machine                      20  1 machine
steps                        15  5 train_steps device
kernels                      30 10 profile_steps
quality-float32              25 10 quality float32
quality-bfloat16             25 10 quality bfloat16
steps-twin                   20  5 train_steps twin
large-ratings                60 15 wait_for large
large                        40 10 train_large device
large-twin                   90 20 train_large twin
racecheck                    60 20 sanitize racecheck
')

# fail CODE MESSAGE: on the terminal, whatever goes to the log.
fail() {
  printf 'gpu.sh: %s\n' "$2" >&"${terminal:-2}"
  exit "$1"
}
say() {
  printf '%s\n' "$*"
  [[ -z ${terminal:-} ]] || printf '%s\n' "$*" >&"$terminal"
}
# --- A part

# in_background SECONDS COMMAND...: heads a process group of its own, so that it can be ended with all below it.
in_background() { timeout -k 5 "$@" </dev/null {terminal}>&- & }

end_children() {
  local pid until=$((SECONDS + 2))
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null; done
  while [[ -n $(jobs -pr) ]] && ((SECONDS < until)); do sleep 0.1; done
  for pid in $(jobs -p); do kill -KILL -- "-$pid" "$pid" 2>/dev/null; done
}
end_part() {
  end_children
  [[ -z ${work:-} ]] || rm -rf "$work"
}

# run_step NAME SECONDS LEAST COMMAND...
run_step() {
  local name=$1 limit=$2 least=$3 left=$((part_end - SECONDS)) from=$SECONDS pid status=0 result
  shift 3
  if ((left < least)); then
    result="skipped: $((left > 0 ? left : 0)) s are left"
  else
    ((limit < left)) || limit=$left
    record step "\"step\":\"$name\",\"result\":\"started\""
    say "== $name (at most $limit s)"
    rm -f "$work/reason"
    export step_seconds=$limit
    in_background "$limit" bash "$script" --step "$@"
    pid=$!
    wait "$pid" || status=$?
    kill -KILL -- "-$pid" 2>/dev/null
    case $status in
      0) result=passed ;;
      "$skipped") result="skipped: $(cat "$work/reason")" ;;
      124 | 137) if ((SECONDS - from >= limit - 4)); then result="out of time"; else result="failed ($status)"; fi ;;
      *) result="failed ($status)" ;;
    esac
  fi
  [[ $result == passed || $result == skipped:* ]] || any_failed=1
  record step "\"step\":\"$name\",\"result\":$(quoted "$result"),\"seconds\":$((SECONDS - from))"
  say "== $name: $result, $((SECONDS - from)) s"
  for name in "$OUT/$part".{log,dmon.txt,ncu.txt,step.txt,memcheck.txt,racecheck.txt}; do shorten "$name"; done
  return "$status"
}

# What runs beside the steps: a client of the driver that stays, so that it need not start with every program, and
# writes the clocks; and the making of ratings.
start_beside() {
  local clocks=$OUT/$part.log interval=10 seconds=${part_seconds[$part]}
  if [[ $part == A ]]; then clocks=$OUT/A.dmon.txt interval=1; fi
  if [[ $dry_run == false ]] && type -P nvidia-smi >/dev/null; then
    in_background "$seconds" stdbuf -oL nvidia-smi dmon -s pucm -d "$interval" -o T >>"$clocks" 2>&1
  fi
  case $part in
    A) in_background "$seconds" bash "$script" --step make_ratings ratings --users "$(size 1000000 2000)" \
      --items "$(size 100000 500)" --ratings "$(size 20000000 50000)" ;;
    C) in_background "$seconds" bash "$script" --step make_ratings large --users "$(size 2000000 2000)" \
      --items "$(size 500000 500)" --ratings "$(size 20000000 50000)" ;;
  esac
}

run_part() {
  local steps line words names=''
  part=$1 part_end=$((part_from + ${part_seconds[$1]} - seconds_to_end))
  export part
  rm -f "$OUT/$part".*
  exec >>"$OUT/$part.log" 2>&1
  work=$(mktemp -d "$base/work.XXXXXX") || fail 2 "$base cannot be written to: set TMPDIR"
  export work UNFOLD_CACHE=$work/cache
  mapfile -t steps < <(grep . <<<"${part_steps[$part]}")
  for line in "${steps[@]}"; do names+=",\"${line%% *}\""; done
  record run "\"date\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\",\"command\":$(quoted "gpu.sh $arguments"),\
\"steps\":[${names#,}]"
  [[ $dry_run == false ]] || say "DRY RUN on the CPU with tiny sizes: no number of it is a GPU's."
  start_beside
  for line in "${steps[@]}"; do
    read -ra words <<<"$line"
    run_step "${words[@]}"
    [[ $? != 4 || ${words[0]} != machine ]] ||
      fail 4 "no device to run on: $("$program" info | grep '^GPU'). --dry-run tries the script on the CPU."
  done
  end_part
  part_from=$SECONDS
}

# --- Programs and data

# unpack FILE: the folder that holds its content; whole or not there at all.
unpack() {
  local folder into extract=(tar -xJf "$1" -C)
  folder=$base/$(cksum <"$1" | tr ' ' -)
  if [[ ! -d $folder ]]; then
    into=$(mktemp -d "$base/unpack.XXXXXX") || return
    if ! type -P xz >/dev/null; then # Python may read what tar cannot
      extract=(python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$1")
    fi
    if ! "${extract[@]}" "$into" || ! mv -T "$into" "$folder"; then
      rm -rf "$into"
      return 1
    fi
  fi
  printf '%s' "$folder"
}

find_programs() {
  local build=${UNFOLD_BUILD:-$here/../build/release} folder=$here
  if [[ -x $here/unfold_tests ]]; then
    program=$here/../bin/unfold
  elif [[ -z ${UNFOLD_BUILD:-} && -r $carry/unfold.tar.xz ]]; then
    folder=$(unpack "$carry/unfold.tar.xz") ||
      fail 2 "$carry/unfold.tar.xz could not be unpacked into $base; that takes xz or python3"
    folder=$(echo "$folder"/*/tests)
    program=$folder/../bin/unfold
  else
    program=$build/host/unfold tests=$build/tests/unfold_tests bench=$build/bench/unfold_bench
  fi
  [[ -n ${tests:-} ]] || tests=$folder/unfold_tests bench=$folder/unfold_bench
  [[ -x $program ]] || fail 2 "$program is not there: build the project (README.md), name a build in UNFOLD_BUILD, or \
run gpu.sh pack where it can be built and bring build/carry along"
  program=$(realpath "$program") tests=$(realpath -m "$tests") bench=$(realpath -m "$bench")
  data=${UNFOLD_DATA:-}
  if [[ -z $data && -r $carry/data.tar.xz ]]; then
    data=$(unpack "$carry/data.tar.xz") || printf 'gpu.sh: %s could not be unpacked\n' "$carry/data.tar.xz" >&2
  fi
  data=$(realpath -m "${data:-$here/../../shared/data}")
}

# Where tools and libraries may lie besides: CUDA's folders, and cuBLAS as Python packages bring it.
find_tools() {
  local folder cublas=
  for folder in /usr/local/nvidia/bin /usr/local/cuda/bin /usr/local/cuda-*/bin /opt/nvidia/nsight-compute/*; do
    [[ ! -d $folder ]] || PATH=$PATH:$folder
  done
  if type -P python3 >/dev/null; then
    cublas=$(python3 -c 'import glob, os, sys
found = [os.path.dirname(f) for d in sys.path for f in glob.glob(d + "/nvidia/*/lib/libcublas.so.*")]
print(":".join(dict.fromkeys(found)))')
  fi
  [[ -z $cublas ]] || export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$cublas
}

newest_bundle() {
  find "$here/../build/bundle" -maxdepth 1 -name 'unfold-*-tests-nocublas.tar.xz' -printf '%T@ %p\n' 2>/dev/null |
    sort -n | tail -n 1 | cut -d ' ' -f 2-
}
pack() {
  local files=(gowalla/{train,test}.txt ml-100k/u{1..5}.{base,test}) file from bundle bytes
  from=$(realpath -m "${UNFOLD_DATA:-$here/../../shared/data}")
  for file in "${files[@]}"; do [[ -r $from/$file ]] || fail 2 "$from/$file is not there: set UNFOLD_DATA"; done
  bundle=$(newest_bundle)
  if [[ -z $bundle ]]; then
    "$here/bundle.sh" --tests --no-cublas --arch 90 || fail 1 "the bundle could not be made"
    bundle=$(newest_bundle)
  fi
  [[ -n $bundle ]] || fail 1 "scripts/bundle.sh left no unfold-*-tests-nocublas.tar.xz in build/bundle"
  { mkdir -p "$carry" && cp "$bundle" "$carry/unfold.tar.xz"; } || fail 1 "$carry cannot be written to"
  tar -C "$from" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rw,go=r --mtime='2000-01-01 UTC' -cf - \
    "${files[@]}" | xz --lzma2=preset=9,dict=64MiB >"$carry/data.tar.xz" || fail 1 "the data could not be packed"
  printf '%s, made %s\n' "$(basename "$bundle")" "$(date -r "$bundle" '+%F %T')"
  stat -c '%10s %n' "$carry"/*.tar.xz
  bytes=$(stat -c %s "$carry"/*.tar.xz | awk '{sum += $1} END {print sum}')
  ((bytes <= 64 << 20)) || fail 1 "that is $bytes bytes, more than 64 MiB"
}

# --- Main

export LC_ALL=C
script=$(realpath "${BASH_SOURCE[0]}")
here=$(dirname "$script")
# shellcheck source=scripts/gpu_steps.sh
source "$here/gpu_steps.sh"
carry=$(realpath -m "$here/../build/carry")
if [[ ${1:-} == --step ]]; then # in the process that run_step starts; the variables are in the environment
  set -e
  shift
  "$@"
  exit
fi
arguments=$*
dry_run=false device=cuda
if [[ ${1:-} == --dry-run ]]; then
  dry_run=true device=cpu
  export CUDA_VISIBLE_DEVICES=-1
  shift
fi
if [[ $# == 1 && $1 == pack && $dry_run == false ]]; then
  pack
  exit
fi
[[ $# -gt 0 ]] || fail 2 "usage: gpu.sh pack, or gpu.sh [--dry-run] PART...; parts: A B C"
for part in "$@"; do
  [[ -n ${part_seconds[$part]:-} ]] || fail 2 "there is no part $part; parts: A B C"
done

OUT=$(realpath -m "${OUT:-gpu-results}")
mkdir -p "$OUT" 2>/dev/null
[[ -d $OUT && -w $OUT ]] || fail 2 "$OUT cannot be written to: set OUT"
base=${TMPDIR:-/tmp}/unfold-gpu
mkdir -p "$base" 2>/dev/null || fail 2 "$base cannot be written to: set TMPDIR"
find_tools
find_programs
export OUT program tests bench data device dry_run
exec {terminal}>&1
trap end_part EXIT
trap 'exit 143' TERM INT HUP
any_failed=0 part_from=0
for part in "$@"; do run_part "$part"; done
say "Everything is in $OUT."
exit "$any_failed"
