#!/usr/bin/env bash
# Writes the two data sets that folding is measured on (datasets/folding.md): folding-10 and folding-50, .csv and .tsv.
#   datasets/folding.sh [DIR [SEED]]      UNFOLD: the program, by default the one on the PATH
set -euo pipefail

folder=${1:-.}
seed=${2:-1}
unfold=${UNFOLD:-unfold}

# make_set GROUPS USERS ITEMS: of each group; 30% of the cells within the groups are rated.
make_set() {
  local groups=$1 users=$(($1 * $2)) items=$(($1 * $3)) ratings=$(($1 * $2 * $3 * 3 / 10))
  "$unfold" synth "$folder/folding-$groups.csv" --items-out "$folder/folding-$groups.tsv" --groups "$groups" \
    --users "$users" --items "$items" --ratings "$ratings" --skew 0 --user-skew 0 \
    --dim 2 --signal-std 1 --bias-std 0 --mean 3 --noise 0.4 \
    --rating-min 1 --rating-max 5 --rating-step 1 --seed "$seed" --overwrite
}

mkdir -p "$folder"
make_set 10 100 50
make_set 50 40 30
