# shellcheck shell=bash
# Sourced by the other scripts: the checkout, the Debian packages, the number of build jobs.
set -euo pipefail

unfold_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export unfold_root

# With the minutes and seconds since the script began.
say() { printf '\n== %s (%d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)) >&2; }
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Runs a command as root; fails where that needs a password and there is nobody to type it.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

can_be_root() {
  [[ $(id -u) -eq 0 ]] || { command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; }
}

# install_packages NAME...: installs what is missing, or says exactly what is.
install_packages() {
  local missing=() package
  command -v dpkg-query >/dev/null ||
    fail "This is not Debian. Install the equivalents of these packages, then use cmake --preset release: $*"
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  if ! can_be_root; then
    fail "These packages are missing, and neither root nor sudo is at hand. Have them installed with
  apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  as_root apt-get update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}

install_build_packages() {
  install_packages cmake ninja-build g++ pkg-config git libcli11-dev libfmt-dev nlohmann-json3-dev libfast-float-dev \
    robin-map-dev libhwy-dev libeigen3-dev libutfcpp-dev zlib1g-dev libzstd-dev libxxhash-dev "$@"
}
install_test_packages() {
  install_build_packages libgtest-dev libgmock-dev libbenchmark-dev libboost-context-dev clang-format python3-numpy
}

# As many as $CMAKE_BUILD_PARALLEL_LEVEL says, else what cores and memory allow: a compiler takes up to 1.5 GiB here.
build_jobs() {
  local cores by_memory
  if [[ -n ${CMAKE_BUILD_PARALLEL_LEVEL:-} ]]; then
    echo "$CMAKE_BUILD_PARALLEL_LEVEL"
    return
  fi
  cores=$(nproc)
  by_memory=$(awk '/MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)
  echo $((by_memory < 1 ? 1 : by_memory < cores ? by_memory : cores))
}

# build PRESET TARGETS CMAKE_OPTION...: configures and builds in the checkout's build/PRESET. TARGETS is one word.
build() {
  local preset=$1 targets
  read -ra targets <<<"$2"
  shift 2
  say "building $preset"
  (cd "$unfold_root" && cmake --preset "$preset" "$@" && cmake --build --preset "$preset" --target "${targets[@]}" \
    -j "$(build_jobs)") >&2
}
