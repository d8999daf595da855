// The templates that sources with JSON share, compiled once, in json_templates.cpp. Half of the time to compile such a
// source went into copies of them. Precompiled headers include this: nothing depends on it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// UNFOLD_JSON_TEMPLATES(KEYWORD): the list, declared with `extern` and defined without.
#define UNFOLD_JSON_TEMPLATES(KEYWORD)                                \
  KEYWORD template class nlohmann::basic_json<>;                      \
  KEYWORD template class nlohmann::basic_json<nlohmann::ordered_map>; \
  KEYWORD template class std::vector<nlohmann::json>;                 \
  KEYWORD template class std::vector<nlohmann::ordered_json>;         \
  KEYWORD template class std::map<std::string, nlohmann::json, nlohmann::json::object_comparator_t>;

UNFOLD_JSON_TEMPLATES(extern)

// What reads and writes, under the names of this version.
#if NLOHMANN_JSON_VERSION_MAJOR == 3 && NLOHMANN_JSON_VERSION_MINOR == 11
namespace nlohmann::detail {

using StringInput = iterator_input_adapter<std::string::const_iterator>;

#define UNFOLD_JSON_DETAILS(KEYWORD)                                 \
  KEYWORD template class serializer<json>;                           \
  KEYWORD template class serializer<ordered_json>;                   \
  KEYWORD template class lexer<json, StringInput>;                   \
  KEYWORD template class lexer<ordered_json, StringInput>;           \
  KEYWORD template class parser<json, StringInput>;                  \
  KEYWORD template class parser<ordered_json, StringInput>;          \
  KEYWORD template class json_sax_dom_parser<json>;                  \
  KEYWORD template class json_sax_dom_parser<ordered_json>;          \
  KEYWORD template class json_sax_dom_callback_parser<json>;         \
  KEYWORD template class json_sax_dom_callback_parser<ordered_json>; \
  KEYWORD template class iter_impl<const json>;                      \
  KEYWORD template class iter_impl<const ordered_json>;

UNFOLD_JSON_DETAILS(extern)

}  // namespace nlohmann::detail
#endif
