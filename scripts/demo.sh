#!/usr/bin/env bash
# Builds unfold, trains on a synthetic data set (or on FILE) and prints the scores. Writes ./unfold-demo.
#   scripts/demo.sh [FILE]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -le 1 && ${1:-} != -* ]] || fail "usage: demo.sh [FILE]"
[[ $# -eq 0 || -r $1 ]] || fail "demo.sh: $1 cannot be read"

install_build_packages
build release unfold -DUNFOLD_BUILD_TESTS=OFF -DUNFOLD_BUILD_BENCH=OFF
unfold=$unfold_root/build/release/host/unfold

out="unfold-demo"
mkdir -p "$out"
options=()
if [[ $# -eq 1 ]]; then
  data=$1
else
  data=$out/ratings.csv
  say "a synthetic data set: 8 planted dimensions, noise 0.5"
  planted=$("$unfold" synth "$data" --users 3000 --items 1000 --ratings 800000 --dim 8 --noise 0.5 --seed 1 --overwrite)
  printf '%s\n' "$planted"
  options=(--dim 8 --l2 0.02 --validation random:0.05 --patience 3)
fi

say "training"
"$unfold" train "$data" --out "$out/model" --overwrite --split random:0.1 "${options[@]}"
if [[ $# -eq 0 ]]; then
  printf 'The best possible here: %s\n' "${planted#*$'\n'}"
fi

cat <<END

Try next:
  export PATH="$unfold_root/build/release/host:\$PATH"
  unfold export $out/model --format npy
  unfold evaluate $out/model --test FILE --json
  unfold train YOUR_RATINGS.csv --out model
  unfold train --help
END
