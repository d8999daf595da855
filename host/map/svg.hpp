// Pieces of an SVG page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unfold {

// Bytes as the text of an element or attribute: markup is escaped; what is not UTF-8 or no character of XML becomes
// U+FFFD.
std::string xml_text(std::string_view bytes);

// The first `n` characters of UTF-8 text, with an ellipsis in place of the last where there are more.
std::string shortened(const std::string& text, std::size_t n);

// The marks of a picture: how often colours and shapes repeat, and the style sheet that goes with them. Nine colours
// that people with any colour vision tell apart (Tol, Colour Schemes, 2021: "muted"), filled and as rings.
inline constexpr std::uint32_t kNMarks = 18;
inline constexpr std::uint32_t kNoMark = 0xFFFFFFFFu;
std::string mark_class(std::uint32_t group);  // kNoMark: grey
std::string style_sheet();

}  // namespace unfold
