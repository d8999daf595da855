# shellcheck shell=bash
# Sourced by gpu.sh: what its steps run, each in a process of its own, and the records that they write. Its variables are
# in the environment: part, dry_run, OUT, work, program, tests, bench, data, device, step_seconds.
# shellcheck disable=SC2154,SC2317

# Ends a step that cannot run here.
readonly skipped=77
skip() {
  printf '%s' "$*" >"$work/reason"
  exit "$skipped"
}

# --- Records

# quoted TEXT: a JSON string.
quoted() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}
# record KIND FIELDS: one line, in one write.
record() { printf '{"record":"%s","part":"%s","dry_run":%s,%s}\n' "$1" "$part" "$dry_run" "$2" >>"$OUT/$part.jsonl"; }

# keep_epochs FIELDS: records what unfold train logs, and reads on to the end when the step is told to stop.
keep_epochs() {
  trap '' TERM
  local line
  while IFS= read -r line; do
    if [[ $line == *'"test":'* ]]; then
      line=${line#*\"test\":}
      record scores "$1,\"scores\":${line%\}}"
    else
      record epoch "$1,\"epoch\":$line"
    fi
  done
}

# keep_tests SHARD: records each case of GoogleTest's output as it ends, and the one that never did; prints the rest.
keep_tests() {
  trap '' TERM
  local line name running='' n_printed=0 result
  while IFS= read -r line; do
    case $line in
      '[ RUN      ] '*) running=${line#*] } ; continue ;;
      '[       OK ] '*) result=passed ;;
      '[  FAILED  ] '*' ms)') result=failed ;;
      '[  SKIPPED ] '*' ms)') result=skipped ;;
      *) result= ;;
    esac
    if [[ -n $result ]]; then
      name=${line#*] } running=
      name=${name%% *}
      record parity "\"shard\":$1,\"test\":$(quoted "${name%,}"),\"result\":\"$result\""
      [[ $result != passed ]] || continue
    fi
    if ((++n_printed <= 300)); then printf '%s| %s\n' "$1" "$line"; fi
  done
  if [[ -n $running ]]; then record parity "\"shard\":$1,\"test\":$(quoted "$running"),\"result\":\"never ended\""; fi
}

# shorten FILE: keeps head and tail of one that is large; in place, since it may be open.
shorten() {
  local most=$((4 << 20)) file=$1
  [[ -f $file ]] && (($(stat -c %s "$file") > most)) || return 0
  { head -c $((most / 2)) "$file" && printf '\n... cut ...\n' && tail -c $((most / 2)) "$file"; } >"$work/short"
  cat "$work/short" >"$file"
}

# --- Steps; each runs in a process of its own, under its limit

machine() {
  local gpu=''
  if type -P nvidia-smi >/dev/null; then
    gpu=$(nvidia-smi --format=csv,noheader --query-gpu=name,driver_version,memory.total,clocks.max.sm,\
clocks.max.memory,pcie.link.gen.current,pcie.link.width.current,power.limit) || gpu=
    nvidia-smi -q -d CLOCK,PCI || true
  fi
  record machine "\"machine\":{\"gpu\":$(quoted "$gpu"),\"kernel\":$(quoted "$(uname -sr)"),\"cpus\":$(nproc),\
\"memory_kib\":$(awk '/^MemTotal/ {print $2}' /proc/meminfo),\"glibc\":$(quoted "$(getconf GNU_LIBC_VERSION)")}"
  "$program" info
  record info "\"info\":$("$program" info --json | tr -d '\n')"
  if [[ $dry_run == false ]] && "$program" info | grep -q '^GPU  *none'; then exit 4; fi
}

# The cases that need the device (in a dry run those of the CPU), in eight processes: an error that sticks to the device
# costs one of them. Each case is recorded with the op that it checks.
parity() {
  local filter='*Cuda*' shard suite='' line op status=0
  [[ $dry_run == false ]] || filter='*/Cpu*-*PastTwoToTheThirtyOne*:*TooLargeAnAllocation*'
  [[ -x $tests ]] || skip "$tests is not there"
  while IFS= read -r line; do
    if [[ $line != ' '* ]]; then
      suite=${line%% *}
      continue
    fi
    op=
    if [[ $line =~ ', '([a-z_]+)')'$ ]]; then op=${BASH_REMATCH[1]}; fi
    read -r line _ <<<"$line"
    record planned "\"test\":$(quoted "$suite$line"),\"op\":\"$op\""
  done < <("$tests" --gtest_filter="$filter" --gtest_list_tests)
  for shard in {0..7}; do parity_shard "$shard" "$filter" & done
  for shard in $(jobs -p); do wait "$shard" || status=$?; done
  return "$status"
}
parity_shard() {
  local status=0
  GTEST_TOTAL_SHARDS=8 GTEST_SHARD_INDEX=$1 UNFOLD_REQUIRE_GPU=1 timeout --foreground -k 2 "$((step_seconds - 3))" \
    "$tests" --gtest_filter="$2" --gtest_color=no 2>&1 | keep_tests "$1" || status=$?
  record shard "\"shard\":$1,\"status\":$status"
  return "$status"
}

# make_ratings NAME SYNTH_OPTION...: imported data, made beside the steps; wait_for NAME waits for them.
make_ratings() {
  local name=$1 from=$SECONDS
  shift
  ended=$work/$name.ended
  trap 'touch "$ended"' EXIT
  nice "$program" synth "$work/$name.csv" "$@" --dim 8 --noise 0.5
  nice "$program" import "$work/$name.csv" --out "$work/$name.part"
  mv "$work/$name.part" "$work/$name.data"
  rm "$work/$name.csv"
  record ratings "\"name\":\"$name\",\"options\":$(quoted "$*"),\"seconds\":$((SECONDS - from))"
}
wait_for() {
  until [[ -e $work/$1.ended ]]; do sleep 0.1; done
  [[ -e $work/$1.data ]]
}
require_ratings() { [[ -e $work/$1.data ]] || skip "the ratings are not there"; }
require_data() { [[ -r $data/$1 ]] || skip "$1 is not in $data: set UNFOLD_DATA"; }

# train NAME ROLE DATA OPTION...: ROLE is device, or twin: the same training on the CPU.
train() {
  local name=$1 role=$2 where=$device fields options status=0
  shift 2
  [[ $role == device ]] || where=cpu
  fields="\"name\":\"$name\",\"role\":\"$role\",\"device\":\"$where\""
  options=${*//"$work/"/}
  record training "$fields,\"options\":$(quoted "${options//"$data/"/}")"
  "$program" train "$@" --device "$where" --out "$work/$name-$role" --overwrite --quiet --log-json /dev/fd/3 \
    3>&1 >&2 | keep_epochs "$fields" || status=$?
  rm -rf "$work/$name-$role"
  return "$status"
}
train_mf() { # ROLE DIM TABLE_TYPE
  require_ratings ratings
  train "mf-$2-$3" "$1" "$work/ratings.data" --split none --no-ranking --dim "$2" --table-type "$3" \
    --epochs "$(size 6 2)"
}
train_gowalla() { # ROLE SCORE_TYPE [graph]
  local options=()
  [[ -z ${3:-} ]] || options=(--cuda-graph)
  require_data gowalla/train.txt
  train "gowalla-$2${3:+-$3}" "$1" "$(gowalla train)" --test "$(gowalla test)" --model softmax --validation none \
    --epochs "$(size 6 2)" --score-type "$2" "${options[@]}"
}
readonly steps_options=(--model softmax --validation none --split none --no-ranking --epochs 3)
train_steps() { # ROLE
  require_data gowalla/train.txt
  train gowalla-steps "$1" "$(gowalla train)" "${steps_options[@]}"
}
train_large() { # ROLE; an epoch of the twin takes a minute, so that it has one: at a constant rate it is the same one
  local epochs=3
  [[ $1 == device ]] || epochs=1
  require_ratings large
  train large-bfloat16 "$1" "$work/large.data" --model softmax --validation none --split none --no-ranking \
    --score-type bfloat16 --batch-size 65536 --n-negatives "$(size 4096 64)" --schedule constant --epochs "$epochs"
}

# size HERE DRY: the first, or in a dry run the second.
size() { if [[ $dry_run == false ]]; then printf '%s' "$1"; else printf '%s' "$2"; fi; }
# gowalla train|test: the file, or in a dry run its first users.
gowalla() {
  local file=$data/gowalla/$1.txt
  if [[ $dry_run == true ]]; then
    head -n 500 "$file" >"$work/gowalla-$1.txt"
    file=$work/gowalla-$1.txt
  fi
  printf '%s' "$file"
}

# quality TABLE_TYPE: the official folds of MovieLens 100K side by side, on the device and then on the CPU.
quality() {
  local role fold status=0 options=(--no-ranking --table-type "$1" --threads "$((($(nproc) + 4) / 5))")
  [[ $dry_run == false ]] || options+=(--epochs 2)
  require_data ml-100k/u1.base
  for role in device twin; do
    for fold in 1 2 3 4 5; do
      train "quality-u$fold-$1" "$role" "$data/ml-100k/u$fold.base" --test "$data/ml-100k/u$fold.test" \
        "${options[@]}" &
    done
    for fold in $(jobs -p); do wait "$fold" || status=$?; done
  done
  return "$status"
}

benchmarks() {
  local options=()
  [[ -x $bench ]] || skip "$bench is not there"
  if [[ $dry_run == true ]]; then # one case of each op
    options=("--benchmark_filter=^($("$bench" --device=cpu --benchmark_list_tests | awk -F / '!seen[$1]++' |
      paste -s -d '|'))\$")
  fi
  "$bench" --device="$device" "${options[@]}" --benchmark_out="$OUT/$part.bench.json" --benchmark_out_format=json
}

# probe TOOL SIGN COMMAND...: skips the step where a tool is absent or, tried on a tiny training, does not print SIGN.
probe() {
  local tool=$1 sign=$2 said=$work/$1.probe
  shift 2
  type -P "$tool" >/dev/null || skip "$tool is neither on PATH nor where CUDA puts it"
  [[ $dry_run == false ]] || skip "$tool needs a device"
  [[ ! -e $said.works ]] || return 0
  "$program" synth "$work/tiny.csv" --users 200 --items 100 --ratings 2000 >/dev/null
  timeout --foreground -k 2 20 "$@" "$program" train "$work/tiny.csv" --split none --no-ranking --no-cache --epochs 1 \
    --device cuda --quiet --out "$work/tiny" --overwrite >"$said" 2>&1 || true
  if ! grep -qE "$sign" "$said" || grep -qE 'not supported|ERR_NVGPUCTRPERM|LibraryNotLoaded' "$said"; then
    cat "$said"
    skip "$tool does not work here: $(grep -m 1 -iE 'error|not supported|fail' "$said" || tail -n 1 "$said")"
  fi
  touch "$said.works"
}
readonly ncu=(ncu --clock-control none --kill yes)
readonly duration=gpu__time_duration.sum
probe_ncu() { probe ncu "$duration .*[0-9]" "${ncu[@]}" --launch-count 1 --metrics "$duration"; }

# profile KERNEL CASE: one launch of the kernel in the first benchmark that matches CASE.
profile() {
  local section options=()
  probe_ncu
  [[ -x $bench ]] || skip "$bench is not there"
  for section in SpeedOfLight WarpStateStats Occupancy LaunchStats MemoryWorkloadAnalysis; do
    options+=(--section "$section")
  done
  # The tool's exit code tells nothing once it has ended the program.
  "${ncu[@]}" --launch-skip 3 --launch-count 1 -k "regex:$1" "${options[@]}" \
    "$bench" --device="$device" --benchmark_filter="$2" >>"$OUT/$part.ncu.txt" 2>&1 || true
  grep -q "Profiling.*$1" "$OUT/$part.ncu.txt"
}
# The kernels of a few steps in the middle of an epoch, each with its duration.
profile_steps() {
  probe_ncu
  require_data gowalla/train.txt
  "${ncu[@]}" --launch-skip 2000 --launch-count 120 --metrics "$duration" --csv --page raw --print-units base \
    "$program" train "$(gowalla train)" "${steps_options[@]}" --device "$device" --quiet --out "$work/profiled" \
    >"$OUT/$part.step.txt" 2>&1 || true
  grep -q softmax_queries "$OUT/$part.step.txt"
}
# The ops' kernels of this project under compute-sanitizer; not those of cuBLAS.
sanitize() {
  local command=(compute-sanitizer --tool "$1" --kernel-name kernel_substring=unfold --error-exitcode 86) status=0
  probe compute-sanitizer SUMMARY "${command[@]}"
  "${command[@]}" "$program" selfcheck --quick --device "$device" >"$OUT/$part.$1.txt" 2>&1 || status=$?
  tail -n 3 "$OUT/$part.$1.txt"
  return "$status"
}
