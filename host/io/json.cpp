#include "host/io/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

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

// Sees to it that no object has a key twice: of two values the parser would keep one.
class KeyCheck {
 public:
  explicit KeyCheck(const std::string& where) : where_(where) {}

  void see(nlohmann::ordered_json::parse_event_t event, const nlohmann::ordered_json& parsed) {
    using Event = nlohmann::ordered_json::parse_event_t;
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event != Event::key) return;
    if (const auto& key = parsed.get_ref<const std::string&>(); !keys_.back().insert(key).second) {
      throw DataError(fmt::format("{}: has the key \"{}\" twice in one object", where_, key));
    }
  }

 private:
  const std::string& where_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

nlohmann::ordered_json parse_json(std::string_view text, const std::string& where) {
  if (nesting_depth(text) > kMaxJsonDepth) {
    throw DataError(fmt::format("{}: has values more than {} levels inside each other; no file of unfold has", where,
                                kMaxJsonDepth));
  }
  KeyCheck keys(where);
  try {
    return nlohmann::ordered_json::parse(text, [&keys](int, auto event, const auto& parsed) {
      keys.see(event, parsed);
      return true;
    });
  } catch (const nlohmann::json::parse_error& error) {
    throw DataError(
        fmt::format("{}: is not valid JSON: byte {} of {} cannot stand there", where, error.byte, text.size()));
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: is not valid JSON", where));
  }
}

}  // namespace unfold
