// How far one word is from others, where only near ones matter.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace unfold {

// Counts the edits (insert, delete, replace, swap neighbours) from one word to others; the case of ASCII letters does
// not matter.
class EditDistance {
 public:
  explicit EditDistance(std::string_view word);
  // The edits to `other`, or limit + 1 where there are more. Time: limit * length, and mostly far less.
  std::size_t to(std::string_view other, std::size_t limit);

 private:
  std::string word_;
  std::vector<std::size_t> two_back_, one_back_, costs_;
};

}  // namespace unfold
