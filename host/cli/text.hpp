// Text for people and for shells.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace unfold::cli {

// `word` as a POSIX shell reads it back.
std::string shell_quote(const std::string& word);

// JSON text. Bytes that are not UTF-8 (file names may hold them) become U+FFFD.
std::string json_line(const nlohmann::ordered_json& value);
std::string json_page(const nlohmann::ordered_json& value);

}  // namespace unfold::cli
