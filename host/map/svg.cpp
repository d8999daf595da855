#include "host/map/svg.hpp"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace unfold {
namespace {

constexpr const char* kColours[] = {"#332288", "#88ccee", "#44aa99", "#117733", "#999933",
                                    "#ddcc77", "#cc6677", "#882255", "#aa4499"};
constexpr const char* kGrey = "#bbbbbb";
constexpr std::uint32_t kNColours = std::size(kColours);
static_assert(kNMarks == 2 * kNColours);

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// UTF-8, whatever the bytes were.
std::string as_utf8(std::string_view bytes) {
  using nlohmann::json;
  return json::parse(json(bytes).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

}  // namespace

std::string xml_text(std::string_view bytes) {
  const std::string text = as_utf8(bytes);
  std::string out;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const char c = text[n];
    const std::string_view rest = std::string_view(text).substr(n);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += kReplacement;
    } else if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {  // U+FFFE and U+FFFF
      out += kReplacement;
      n += 2;
    } else {
      out += c;
    }
  }
  return out;
}

std::string shortened(const std::string& text, std::size_t n) {
  std::size_t n_characters = 0, cut = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;  // within a character
    if (n_characters + 1 == n) cut = i;
    if (n_characters++ == n) return text.substr(0, cut) + "…";
  }
  return text;
}

std::string mark_class(std::uint32_t group) { return group == kNoMark ? "none" : fmt::format("m{}", group % kNMarks); }

std::string style_sheet() {
  std::string out =
      "text{font-family:sans-serif;font-size:13px;fill:#222222}\n"
      ".title{font-size:18px;font-weight:bold}\n"
      ".frame{fill:none;stroke:#999999}\n"
      ".zero{stroke:#dddddd}\n"
      "circle{fill-opacity:0.8}\n"
      "path{fill:none;stroke-opacity:0.8}\n";
  for (std::uint32_t mark = 0; mark < kNMarks; ++mark) {
    const char* const colour = kColours[mark % kNColours];
    out += mark < kNColours
               ? fmt::format("circle.m{0}{{fill:{1}}} path.m{0}{{stroke:{1}}}\n", mark, colour)
               : fmt::format("circle.m{0}{{fill:none;stroke:{1};stroke-width:1.5}} path.m{0}{{stroke:{1}}}\n", mark,
                             colour);
  }
  return out + fmt::format("circle.none{{fill:{0}}} path.none{{stroke:{0}}}\n", kGrey);
}

}  // namespace unfold
