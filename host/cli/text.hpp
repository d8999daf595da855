// Text for people and for shells.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace unfold::cli {

// `word` as a POSIX shell reads it back.
std::string shell_quote(const std::string& word);

// Text that a terminal shows as it stands: control characters, and bytes that are not UTF-8, are written as \xNN.
std::string terminal_text(std::string_view text);
// Characters of UTF-8 text.
std::size_t text_width(std::string_view text);

// JSON text. Bytes that are not UTF-8 (file names may hold them) become U+FFFD.
std::string json_line(const nlohmann::ordered_json& value);
std::string json_page(const nlohmann::ordered_json& value);

}  // namespace unfold::cli
