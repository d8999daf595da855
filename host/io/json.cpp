#include "host/io/json.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "unfold/error.hpp"

namespace unfold {
namespace {

// The most brackets that are open at once. Of text that is no JSON it may be any number.
int nesting_depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const char c = text[n];
    if (in_string) {
      if (c == '\\') ++n;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

nlohmann::ordered_json parse_json(std::string_view text, const std::string& where) {
  if (nesting_depth(text) > kMaxJsonDepth) {
    throw DataError(fmt::format("{}: has values more than {} levels inside each other; no file of unfold has", where,
                                kMaxJsonDepth));
  }
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw DataError(
        fmt::format("{}: is not valid JSON: byte {} of {} cannot stand there", where, error.byte, text.size()));
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: is not valid JSON", where));
  }
}

}  // namespace unfold
