#include <fmt/format.h>

#include <algorithm>

#include "unfold/error.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

// Mean rating of each item and of all, summed in double in the order of the ratings.
void set_means(const RatingView& train, std::uint32_t n_items, SeenItems& seen) {
  std::vector<double> sums(n_items);
  std::vector<std::uint64_t> counts(n_items);
  double total = 0;
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    const auto rating = static_cast<double>(train.ratings[n]);
    sums[train.items[n]] += rating;
    ++counts[train.items[n]];
    total += rating;
  }
  if (train.size() != 0) seen.mean_rating = static_cast<float>(total / static_cast<double>(train.size()));
  seen.item_mean_rating.assign(n_items, seen.mean_rating);
  for (std::uint32_t item = 0; item < n_items; ++item) {
    if (counts[item] == 0) continue;
    seen.item_mean_rating[item] = static_cast<float>(sums[item] / static_cast<double>(counts[item]));
  }
}

// Sorts each user's list, drops repeated items and closes the gaps.
void sort_lists(std::uint32_t n_users, SeenItems& seen) {
  std::uint64_t begin = 0, out = 0;
  for (std::uint32_t user = 0; user < n_users; ++user) {
    const std::uint64_t end = seen.offsets[user + std::uint64_t{1}];
    const auto first = seen.items.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = seen.items.begin() + static_cast<std::ptrdiff_t>(end);
    std::sort(first, last);
    const auto distinct = std::unique(first, last);
    std::move(first, distinct, seen.items.begin() + static_cast<std::ptrdiff_t>(out));
    out += static_cast<std::uint64_t>(distinct - first);
    seen.offsets[user + std::uint64_t{1}] = out;
    begin = end;
  }
  seen.items.resize(out);
}

}  // namespace

SeenItems SeenItems::from_ratings(const RatingView& train, std::uint32_t n_users, std::uint32_t n_items) {
  SeenItems seen;
  seen.offsets.assign(std::uint64_t{n_users} + 1, 0);
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    if (train.users[n] >= n_users || train.items[n] >= n_items) {
      throw DataError(fmt::format("rating {} has user row {} and item row {}, but there are {} users and {} items", n,
                                  train.users[n], train.items[n], n_users, n_items));
    }
    ++seen.offsets[train.users[n] + std::uint64_t{1}];
  }
  for (std::uint64_t user = 0; user < n_users; ++user) seen.offsets[user + 1] += seen.offsets[user];
  seen.items.resize(train.size());
  std::vector<std::uint64_t> next(seen.offsets.begin(), seen.offsets.end() - 1);
  for (std::uint64_t n = 0; n < train.size(); ++n) seen.items[next[train.users[n]]++] = train.items[n];
  sort_lists(n_users, seen);
  set_means(train, n_items, seen);
  return seen;
}

}  // namespace unfold
