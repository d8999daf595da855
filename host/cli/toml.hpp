// A reader of TOML, as far as configuration files need it: tables, keys (bare, quoted, dotted), strings on one line
// (basic and literal), numbers, booleans and arrays of these.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace unfold::cli {

struct TomlValue {
  std::string text;
  std::uint64_t line = 0;
};

struct TomlPair {
  std::vector<std::string> key;   // parts between dots
  std::vector<TomlValue> values;  // of an array, which may be empty, or one
  std::uint64_t line = 0;
};

struct TomlTable {
  std::uint64_t line = 0;
  std::vector<std::string> name;  // parts between dots; none: what stands before the first table
  std::vector<TomlPair> pairs;
};

// The text names file and line.
struct TomlError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// In the order of the file, whose name is for messages. Throws TomlError.
std::vector<TomlTable> read_toml(std::string text, const std::string& file);

}  // namespace unfold::cli
