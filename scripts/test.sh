#!/usr/bin/env bash
# Installs what is missing, builds and runs every test: under the sanitizers first, then the release build, with
# CUDA where the toolkit is found.
#   scripts/test.sh [--quick]     --quick: the release build alone
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Debian's clang-format, as in .clang-format.
check_format() {
  local -a sources
  mapfile -t sources < <(cd "$unfold_root" && find include host kernels tests bench cmake -regex '.*\.\(cpp\|hpp\|cu\|cuh\)')
  (cd "$unfold_root" && clang-format --dry-run -Werror "${sources[@]}") ||
    fail "these lines are not as clang-format writes them; run clang-format -i on the files"
}

presets=(asan release)
case "${1:-}" in
  "") ;;
  --quick) presets=(release) ;;
  *) fail "usage: test.sh [--quick]" ;;
esac

install_test_packages
say "formatting"
check_format
for preset in "${presets[@]}"; do
  if [[ $preset == asan ]]; then # what compiles is shown by the release build
    build asan unfold_tests -DUNFOLD_BUILD_TESTS=ON -DUNFOLD_BUILD_BENCH=OFF
  else # with CUDA for one architecture, whose PTX later devices take too: the bundle compiles for all
    build "$preset" all -DCMAKE_CUDA_ARCHITECTURES=80 -DUNFOLD_BUILD_TESTS=ON -DUNFOLD_BUILD_BENCH=ON -DUNFOLD_BUNDLE=ON
  fi
  say "testing $preset"
  (cd "$unfold_root" && ctest --preset "$preset" -j "$(nproc)")
done
