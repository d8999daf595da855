#!/usr/bin/env bash
# Installs the build, builds the README's library example against it by find_package, runs both.
#   package_test.sh SOURCE_DIR BUILD_DIR CXX_FLAGS
set -euo pipefail
source_dir=$1 build_dir=$2 cxx_flags=${3:-}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# readme_block LANGUAGE: the README's first block of code after the heading of the library.
readme_block() {
  awk -v fence="\`\`\`$1" '/^## As a library/ {here = 1} here && $0 == fence {on = 1; next}
                           on && /^```/ {exit} on {print}' "$source_dir/README.md"
}

cmake --install "$build_dir" --prefix "$folder/prefix" >/dev/null
mkdir "$folder/example"
readme_block cpp >"$folder/example/main.cpp"
{
  printf 'cmake_minimum_required(VERSION 3.25)\nproject(example LANGUAGES CXX)\nadd_executable(example main.cpp)\n'
  readme_block cmake
} >"$folder/example/CMakeLists.txt"
cmake -G Ninja -S "$folder/example" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" \
  -DCMAKE_CXX_FLAGS="$cxx_flags" -DCMAKE_BUILD_TYPE=Release
cmake --build "$folder/build"

cd "$folder"
export UNFOLD_CACHE=$folder/cache
prefix/bin/unfold synth ratings.csv --users 100 --items 50 --ratings 2000
build/example ratings.csv model
prefix/bin/unfold evaluate model --test ratings.csv
