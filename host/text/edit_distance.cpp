#include "host/text/edit_distance.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace unfold {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::size_t kFar = std::numeric_limits<std::size_t>::max() / 2;

}  // namespace

EditDistance::EditDistance(std::string_view word) : word_(word) {
  std::ranges::transform(word_, word_.begin(), folded);
}

// Optimal string alignment distance, on the diagonals that `limit` edits can reach.
std::size_t EditDistance::to(std::string_view other, std::size_t limit) {
  const std::size_t n = word_.size(), m = other.size();
  if (std::max(n, m) - std::min(n, m) > limit) return limit + 1;
  for (std::vector<std::size_t>* costs : {&two_back_, &one_back_, &costs_}) {
    if (costs->size() < m + 2) costs->resize(m + 2);
  }
  for (std::size_t j = 0; j <= std::min(m, limit); ++j) costs_[j] = j;
  costs_[std::min(m, limit) + 1] = kFar;
  std::size_t least_before = 0;
  for (std::size_t i = 1; i <= n; ++i) {
    std::swap(two_back_, one_back_);
    std::swap(one_back_, costs_);
    const std::size_t first = i > limit ? i - limit : 1;
    const std::size_t last = std::min(m, i + limit);
    std::size_t least = first == 1 ? i : kFar;
    costs_[first - 1] = least;
    for (std::size_t j = first; j <= last; ++j) {
      const char a = word_[i - 1], b = folded(other[j - 1]);
      std::size_t cost = std::min({one_back_[j - 1] + (a == b ? 0 : 1), one_back_[j] + 1, costs_[j - 1] + 1});
      if (i > 1 && j > 1 && a == folded(other[j - 2]) && word_[i - 2] == b) {
        cost = std::min(cost, two_back_[j - 2] + 1);
      }
      costs_[j] = cost;
      least = std::min(least, cost);
    }
    costs_[last + 1] = kFar;
    if (std::min(least, least_before) > limit) return limit + 1;
    least_before = least;
  }
  return std::min(costs_[m], limit + 1);
}

}  // namespace unfold
