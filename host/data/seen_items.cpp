#include "unfold/seen_items.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "unfold/error.hpp"

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
void sort_lists(std::uint64_t n_users, ItemLists& lists) {
  std::uint64_t begin = 0, out = 0;
  for (std::uint64_t user = 0; user < n_users; ++user) {
    const std::uint64_t end = lists.offsets[user + 1];
    const auto first = lists.items.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = lists.items.begin() + static_cast<std::ptrdiff_t>(end);
    std::sort(first, last);
    const auto distinct = std::unique(first, last);
    std::move(first, distinct, lists.items.begin() + static_cast<std::ptrdiff_t>(out));
    out += static_cast<std::uint64_t>(distinct - first);
    lists.offsets[user + 1] = out;
    begin = end;
  }
  lists.items.resize(out);
}

// The items of the ratings that take part, by user.
template <typename TakesPart>
void fill_lists(const RatingView& ratings, std::uint64_t n_users, const TakesPart& takes_part, ItemLists& lists) {
  lists.offsets.assign(n_users + 1, 0);
  for (std::uint64_t n = 0; n < ratings.size(); ++n) {
    if (takes_part(n)) ++lists.offsets[ratings.users[n] + std::uint64_t{1}];
  }
  for (std::uint64_t user = 0; user < n_users; ++user) lists.offsets[user + 1] += lists.offsets[user];
  lists.items.resize(lists.offsets.back());
  std::vector<std::uint64_t> next(lists.offsets.begin(), lists.offsets.end() - 1);
  for (std::uint64_t n = 0; n < ratings.size(); ++n) {
    if (takes_part(n)) lists.items[next[ratings.users[n]]++] = ratings.items[n];
  }
  sort_lists(n_users, lists);
}

}  // namespace

std::vector<std::uint64_t> ItemLists::item_counts(std::uint64_t n_items) const {
  std::vector<std::uint64_t> counts(n_items, 0);
  for (const Row item : items) ++counts[item];
  return counts;
}

bool ItemLists::contains(Row user, Row item) const {
  const std::span<const Row> list = of(user);
  return std::binary_search(list.begin(), list.end(), item);
}

SeenItems SeenItems::from_ratings(const RatingView& train, std::uint32_t n_users, std::uint32_t n_items) {
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    if (train.users[n] < n_users && train.items[n] < n_items) continue;
    throw DataError(fmt::format("rating {} has user row {} and item row {}, but there are {} users and {} items", n,
                                train.users[n], train.items[n], n_users, n_items));
  }
  SeenItems seen;
  fill_lists(
      train, n_users, [](std::uint64_t) { return true; }, seen);
  set_means(train, n_items, seen);
  return seen;
}

void SeenItems::hold_out(const RatingView& validation_part, const RatingView& test_part) {
  const std::uint64_t n_users = offsets.size() - 1;
  const auto is_new = [&](const RatingView& part, std::uint64_t n) {
    return part.users[n] != kNoRow && part.items[n] != kNoRow && !contains(part.users[n], part.items[n]);
  };
  fill_lists(
      test_part, n_users, [&](std::uint64_t n) { return is_new(test_part, n); }, test);
  fill_lists(
      validation_part, n_users,
      [&](std::uint64_t n) {
        return is_new(validation_part, n) && !test.contains(validation_part.users[n], validation_part.items[n]);
      },
      validation);
}

}  // namespace unfold
