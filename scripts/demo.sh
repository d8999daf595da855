#!/usr/bin/env bash
# Builds unfold, trains a model of which items users choose on a synthetic data set (or on FILE, with the titles of
# ITEMS), and prints its scores and what it recommends. Writes ./unfold-demo.
#   scripts/demo.sh [FILE [ITEMS]]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -le 2 && ${1:-} != -* ]] || fail "usage: demo.sh [FILE [ITEMS]]"
for file in "$@"; do
  [[ -r $file ]] || fail "demo.sh: $file cannot be read"
done

install_build_packages
build release unfold -DUNFOLD_BUILD_TESTS=OFF -DUNFOLD_BUILD_BENCH=OFF
unfold=$unfold_root/build/release/host/unfold

# A record shop: every customer buys records of one style alone, which nobody told the model.
make_record_shop() {
  local styles=(Jazz Opera Techno Blues Folk Reggae Metal Baroque Soul Tango Punk Fado)
  rm -f "$1" "$2" "$2.groups"
  "$unfold" synth "$1" --items-out "$2.groups" --groups ${#styles[@]} --users 1200 --items 600 --ratings 24000 \
    --user-skew 0.2 --implicit --seed 1
  awk -F '\t' -v styles="${styles[*]}" 'BEGIN {split(styles, style, " "); print "item\ttitle"}
    NR > 1 {printf "%s\t%s record %d\n", $1, style[$2 + 1], ++n[$2]}' "$2.groups" >"$2"
}

# table_of_user USER DATA ITEMS: the titles of what the user has, ten at most.
table_of_user() {
  awk -F '[,\t]' -v user="$1" 'FNR == NR {title[$1] = $2; next}
    $1 == user && ++n <= 10 {print "  " title[$2]} END {if (n > 10) print "  and " n - 10 " more"}' "$3" "$2"
}

out="unfold-demo"
mkdir -p "$out"
options=()
if [[ $# -eq 0 ]]; then
  data=$out/purchases.csv items=$out/records.tsv
  say "a synthetic data set: a record shop whose customers each keep to one of twelve styles"
  make_record_shop "$data" "$items"
  options=(--epochs 10)
else
  data=$1 items=${2:-}
fi

say "training"
"$unfold" train "$data" --model softmax --out "$out/model" --overwrite "${options[@]}"

# Ids are in order of their number of items; this one has a usual number.
users=$(wc -l <"$out/model/user_ids.txt")
user=$(sed -n "$((users / 2 + 1))p" "$out/model/user_ids.txt")
if [[ $# -eq 0 ]]; then
  say "what customer $user has"
  table_of_user "$user" "$data" "$items"
fi
say "what the model recommends"
"$unfold" recommend "$out/model" --user="$user" ${items:+--items "$items"}

cat <<END

Try next:
  export PATH="$unfold_root/build/release/host:\$PATH"
  unfold train YOUR_RATINGS.csv --model softmax --out model
  unfold recommend model --user ID --items YOUR_TITLES.csv
  unfold export model --format faiss
  unfold help train
docs/tutorial.md goes from a raw file to a Faiss index, docs/choosing.md says which model and which options.
END
