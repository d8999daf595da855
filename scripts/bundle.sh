#!/usr/bin/env bash
# Builds the self-contained bundle, packs it, and tries it unpacked elsewhere with an empty environment, and as root in
# a folder that holds nothing but glibc. See docs/bundle.md.
#   scripts/bundle.sh [--tests] [--no-cublas] [--arch LIST] [CMAKE_OPTION...]
#   scripts/bundle.sh --check FILE.tar.xz [ROOT]    tries a tarball that is there, in the root folder ROOT where given
# LIST: GPU architectures as CMake names them, such as 90 or "80-real;90" (the default).
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly usage="usage: bundle.sh [--tests] [--no-cublas] [--arch LIST] [-DNAME=VALUE...], or bundle.sh --check FILE [ROOT]"
readonly glibc=(ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1)
readonly newest_glibc=2.36
# The bundle with tests and without cuBLAS is carried to other machines.
readonly largest_carried_bytes=24000000

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

# step COMMAND...: runs it with the command prefix of `run_in`, and says so.
step() {
  printf -- '-- %s\n' "$*"
  "${run_in[@]}" "$@" || fail "that ended with $?"
}

# try_program FOLDER: a whole life of two models, with the program in FOLDER/bin.
try_program() {
  local unfold=$1/bin/unfold
  step "$unfold" --version
  step "$unfold" info
  step "$unfold" synth ratings.csv --users 300 --items 100 --ratings 6000 --dim 4
  step "$unfold" train ratings.csv --out mf --dim 8 --epochs 3 --device cpu --quiet
  step "$unfold" train ratings.csv --out softmax --model softmax --dim 8 --epochs 3 --device cpu --quiet
  step "$unfold" evaluate mf --test ratings.csv --no-ranking --device cpu --quiet
  step "$unfold" export softmax --format npy --out embeddings
  step "$unfold" selfcheck --quick --device cpu
}

# try_tests FOLDER: tests that start programs and look for libraries, the ops' on the CPU, and a benchmark of each kind.
try_tests() {
  step "$1/tests/unfold_tests" --gtest_brief=1 \
    '--gtest_filter=CliHelp.*:CliTrain.TrainsEvaluates*:SharedLibrary.*:ElementVectors.*:Parity/*/Cpu_*'
  step "$1/tests/unfold_bench" --device=cpu --benchmark_filter='lookup_rows/dim:64/type:0|softmax_own/dim:64/negatives:16/'
}

# try_bundle FOLDER TOP: both, in the current folder; TOP is where FOLDER lies for this script.
try_bundle() {
  try_program "$1"
  if [[ -d $2/tests ]]; then try_tests "$1"; fi
}

# try_in_root ROOT TOP: in a root folder, which is made of glibc alone unless it is there.
try_in_root() {
  local root=$1 top=$2 library what="a root folder of its own: $1"
  if [[ ! -e $root ]]; then
    what="a root folder with nothing but glibc"
    mkdir -p "$root"/{lib64,lib/x86_64-linux-gnu}
    for library in "${glibc[@]}"; do
      cp -L "/lib/x86_64-linux-gnu/$library" "$root/lib/x86_64-linux-gnu/"
    done
    cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
  fi
  say "in $what"
  mkdir -p "$root"/{proc,tmp}
  cp -r "$top" "$root/bundle"
  mount -t proc proc "$root/proc" 2>/dev/null || say "no /proc there"
  run_in=(env -i -C / UNFOLD_CACHE=/tmp/cache "$(command -v chroot)" "$root")
  local status=0
  (try_bundle /bundle "$top") || status=$?
  umount "$root/proc" 2>/dev/null || true
  [[ $status -eq 0 ]] || fail "the bundle does not run in $what"
  [[ -r $root/embeddings/item_embedding.npy ]] || fail "the program left nothing in $root"
  rm -rf "${root:?}"/{bundle,mf,softmax,embeddings,ratings.csv,tmp/cache}
  printf 'runs in %s\n' "$what"
}

# unpack FILE FOLDER: with tar and xz, or where there is no xz with Python.
unpack() {
  if command -v xz >/dev/null; then
    tar -xJf "$1" -C "$2"
  else
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$1" "$2"
  fi
}

# check_bundle FILE [ROOT]
check_bundle() {
  local folder top program
  folder=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" EXIT
  say "unpacking $1 into $folder"
  unpack "$1" "$folder"
  top=$(echo "$folder"/unfold-*)
  [[ -x $top/bin/unfold && -r $top/LICENSE && -r $top/THIRD_PARTY.md ]] || fail "$1 lacks files"
  for program in "$top"/bin/unfold "$top"/tests/unfold_tests; do
    [[ ! -e $program ]] || needs_only_glibc "$program"
  done
  if [[ -n ${2:-} ]]; then
    try_in_root "$2" "$top"
    return
  fi
  say "with an empty environment"
  mkdir "$folder/work"
  run_in=(env -i -C "$folder/work" UNFOLD_CACHE="$folder/cache")
  try_bundle "$top" "$top"
  if [[ $(id -u) -eq 0 ]]; then
    try_in_root "$folder/root" "$top"
  else
    say "not root: not tried in a bare root folder"
  fi
  du -sh --apparent-size "$top" | awk '{print $1 "\tunpacked"}'
}

# pack FILE NAME COMPONENT...: the installed components as a tarball that unpacks into a folder NAME. The long window
# of xz sees that the programs hold the same code.
pack() {
  local file=$1 name=$2 stage component
  shift 2
  stage=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$stage'" EXIT
  for component in "$@"; do
    cmake --install "$unfold_root/build/bundle" --component "$component" --strip --prefix "$stage/$name" >/dev/null
  done
  [[ " $* " != *" bundle_cublas "* || -e $(echo "$stage/$name"/lib/libcublas.so.*) ]] ||
    fail "the CUDA toolkit here has no cuBLAS to pack; leave it out with --no-cublas"
  tar -cf - -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git -C "$unfold_root" log -1 \
    --format=%ct 2>/dev/null || echo 0)" "$name" | xz -T1 --lzma2=preset=6,dict=64MiB >"$file.partial"
  mv "$file.partial" "$file"
}

if [[ ${1:-} == --check ]]; then
  [[ ($# -eq 2 || $# -eq 3) && -r $2 ]] || fail "$usage"
  check_bundle "${@:2}"
  exit
fi
tests=OFF cublas=ON options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --tests) tests=ON ;;
    --no-cublas) cublas=OFF ;;
    --arch)
      [[ $# -gt 1 ]] || fail "$usage"
      options+=("-DCMAKE_CUDA_ARCHITECTURES=$2")
      shift
      ;;
    -D*) options+=("$1") ;;
    *) fail "$usage" ;;
  esac
  shift
done

components=(bundle) targets=(unfold_static)
version=$(sed -n 's/^project(unfold VERSION \([0-9.]*\).*/\1/p' "$unfold_root/CMakeLists.txt")
name=unfold-$version-linux-$(uname -m)
if [[ $tests == ON ]]; then
  install_test_packages xz-utils
  components+=(bundle_tests) targets+=(unfold_tests_static unfold_bench_static) name+=-tests
else
  install_build_packages xz-utils
fi
if [[ $cublas == ON ]]; then components+=(bundle_cublas); else name+=-nocublas; fi

build bundle "${targets[*]}" -DUNFOLD_BUILD_TESTS=$tests -DUNFOLD_BUILD_BENCH=$tests "${options[@]}"
file=$unfold_root/build/bundle/$name.tar.xz
say "packing $file"
(pack "$file" "$name" "${components[@]}")
check_bundle "$file"
bytes=$(stat -c %s "$file")
printf '%s\t%s\n' "$bytes" "$file"
[[ $tests$cublas != ONOFF || $bytes -lt $largest_carried_bytes ]] ||
  fail "$file has $bytes bytes, more than the $largest_carried_bytes of a bundle that is carried"
