#!/usr/bin/env bash
# Builds the self-contained bundle, packs it, and tries it unpacked elsewhere with an empty environment, and as root in
# a folder that holds nothing but glibc. See docs/bundle.md.
#   scripts/bundle.sh [--tests] [--no-cublas] [CMAKE_OPTION...]
#   scripts/bundle.sh --check FILE.tar.gz    tries a tarball that is there
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

glibc=(ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1)
newest_glibc=2.36

# needs_only_glibc PROGRAM: no other library, none from a folder of its own, no symbol of a newer glibc.
needs_only_glibc() {
  local needed newest pattern
  pattern=$(printf '|%s' "${glibc[@]}")
  needed=$(ldd "$1" | awk '{n = $1; sub(".*/", "", n); print n}' | grep -vxE "linux-vdso.so.1$pattern" || true)
  [[ -z $needed ]] || fail "$1 needs $needed"
  ! readelf -d "$1" | grep -E 'RPATH|RUNPATH' || fail "$1 looks for libraries in a folder of the build"
  newest=$(objdump -T "$1" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
  [[ $(printf 'GLIBC_%s\n%s\n' "$newest_glibc" "$newest" | sort -V | tail -n 1) == "GLIBC_$newest_glibc" ]] ||
    fail "$1 needs $newest"
  printf '%s: nothing but glibc, up to %s\n' "${1##*/}" "$newest"
}

# try_program COMMAND...: a whole life of a model in the folder that COMMAND runs the program in.
try_program() {
  "$@" --version
  "$@" info
  "$@" synth ratings.csv --users 300 --items 100 --ratings 6000 --dim 4
  "$@" train ratings.csv --out model --dim 8 --epochs 3 --device cpu --no-cache --quiet
  "$@" evaluate model --test ratings.csv --no-ranking --device cpu --quiet
  "$@" export model --format npy --out embeddings
}

try_in_bare_root() {
  local root=$1 top=$2 library
  mkdir -p "$root"/{lib64,lib/x86_64-linux-gnu,tmp,bundle}
  for library in "${glibc[@]}"; do
    cp -L "/lib/x86_64-linux-gnu/$library" "$root/lib/x86_64-linux-gnu/"
  done
  cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
  cp -r "$top/bin" "$root/bundle/"
  try_program env -i UNFOLD_CACHE=/tmp/cache chroot "$root" /bundle/bin/unfold >/dev/null
  [[ -r $root/embeddings/item_embedding.npy ]] || fail "the program left nothing in $root"
  printf 'runs in a root folder with nothing but glibc\n'
}

check_bundle() {
  local folder top
  folder=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" EXIT
  say "unpacking $1 into $folder"
  tar -xzf "$1" -C "$folder"
  top=$(echo "$folder"/unfold-*)
  [[ -x $top/bin/unfold && -r $top/LICENSE && -r $top/THIRD_PARTY.md ]] || fail "$1 lacks files"
  needs_only_glibc "$top/bin/unfold"
  mkdir "$folder/work"
  (cd "$folder/work" && try_program env -i UNFOLD_CACHE="$folder/cache" "$top/bin/unfold")
  if [[ -d $top/tests ]]; then
    needs_only_glibc "$top/tests/unfold_tests"
    (cd "$folder/work" && env -i "$top/tests/unfold_tests" --gtest_brief=1 \
      --gtest_filter='CliHelp.*:CliTrain.TrainsEvaluates*:SharedLibrary.*')
    for bench in "$top"/tests/*_bench; do
      (cd "$folder/work" && env -i "$bench" --benchmark_list_tests >/dev/null)
    done
  fi
  if [[ $(id -u) -eq 0 ]]; then
    try_in_bare_root "$folder/root" "$top"
  else
    say "not root: not tried in a bare root folder"
  fi
  du -sh --apparent-size "$top" "$1" | awk '{print $1 "\t" $2}'
}

if [[ ${1:-} == --check ]]; then
  [[ $# -eq 2 && -r $2 ]] || fail "usage: bundle.sh --check FILE.tar.gz"
  check_bundle "$2"
  exit
fi
tests=OFF cublas=ON
while [[ ${1:-} == --tests || ${1:-} == --no-cublas ]]; do
  case $1 in --tests) tests=ON ;; --no-cublas) cublas=OFF ;; esac
  shift
done
[[ $# -eq 0 || $1 == -D* ]] || fail "usage: bundle.sh [--tests] [--no-cublas] [-DNAME=VALUE...]"

if [[ $tests == ON ]]; then install_test_packages; else install_build_packages; fi
build bundle all -DUNFOLD_BUILD_TESTS=$tests -DUNFOLD_BUILD_BENCH=$tests -DUNFOLD_BUNDLE_TESTS=$tests \
  -DUNFOLD_BUNDLE_CUBLAS=$cublas "$@"
say "packing"
(cd "$unfold_root" && cpack --preset bundle)
suffix=
[[ $tests == OFF ]] || suffix+=-tests
[[ $cublas == ON ]] || suffix+=-nocublas
for file in "$unfold_root/build/bundle/"unfold-*-linux-x86_64"$suffix.tar.gz"; do
  check_bundle "$file"
done
