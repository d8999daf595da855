#include "host/stream/rating_lists.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <queue>
#include <span>
#include <thread>
#include <utility>

namespace unfold {
namespace {

// Rows of users and of items that a core works on at a time. On a core with 512 KiB of second-level cache these were
// the fastest of those tried for 32, 64 and 128 columns (docs/benchmarks.md).
constexpr std::uint64_t kGroupBytes = std::uint64_t{512} << 10, kMostGroupBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kGroupRows = 2048;  // of a group at least, up to the most bytes
constexpr std::uint64_t kBlockBytes = std::uint64_t{32} << 10;
constexpr std::uint64_t kSortedRatings = std::uint64_t{1} << 18;  // of a list, sorted by block at a time
constexpr unsigned kMostWriters = 8;                              // each has a counter for every list

std::uint64_t rows_of_group(std::uint64_t row_bytes) {
  return std::max({std::uint64_t{64}, kGroupBytes / row_bytes, std::min(kGroupRows, kMostGroupBytes / row_bytes)});
}

// Groups of about as many ratings and of as many rows each, up to one: the heaviest rows first, each to the group that
// has the fewest ratings so far and room for it.
std::vector<std::uint32_t> balanced_groups(const std::vector<std::uint64_t>& weights, std::uint64_t n_groups) {
  std::vector<std::uint32_t> order(weights.size()), group_of(weights.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, std::greater(), [&](std::uint32_t k) { return weights[k]; });
  const std::uint64_t room = (weights.size() + n_groups - 1) / n_groups;
  using Load = std::pair<std::uint64_t, std::uint32_t>;  // ratings, group
  std::priority_queue<Load, std::vector<Load>, std::greater<>> lightest;
  for (std::uint32_t group = 0; group < n_groups; ++group) lightest.emplace(0, group);
  std::vector<std::uint64_t> n_rows(n_groups);
  for (const std::uint32_t k : order) {
    const auto [load, group] = lightest.top();
    lightest.pop();
    group_of[k] = group;
    if (++n_rows[group] < room) lightest.emplace(load + weights[k], group);
  }
  return group_of;
}

std::vector<std::uint64_t> count_ratings(std::span<const Row> rows, std::uint64_t n_rows, std::uint64_t together) {
  std::vector<std::uint64_t> counts((n_rows + together - 1) / together);
  for (const Row row : rows) ++counts[row / together];
  return counts;
}

// Calls work(thread) on each of n threads.
template <typename Work>
void on_threads(unsigned n, const Work& work) {
  std::vector<std::thread> threads;
  for (unsigned thread = 1; thread < n; ++thread) threads.emplace_back([&work, thread] { work(thread); });
  work(0);
  for (std::thread& thread : threads) thread.join();
}

unsigned n_writers(std::uint64_t n_parts) {
  return static_cast<unsigned>(std::min<std::uint64_t>(n_parts, kMostWriters));
}

}  // namespace

// Where ratings of a list stand while it is sorted by block.
struct ListBuffer {
  std::vector<Row> users, items;
  std::vector<float> ratings;
  std::vector<std::uint64_t> next;  // [n_blocks + 1]
};

std::uint64_t RatingLists::n_stages(const RatingCut& cut) {
  const std::uint64_t rows = rows_of_group(cut.row_bytes) * cut.n_parts;
  return std::max<std::uint64_t>(1, (cut.n_users + rows - 1) / rows);
}

RatingLists::RatingLists(const RatingView& ratings, const RatingCut& cut)
    : n_parts_(cut.n_parts),
      n_stages_(n_stages(cut)),
      n_items_(cut.n_items),
      items_a_block_(std::max<std::uint64_t>(1, kBlockBytes / cut.row_bytes)) {
  if (n_lists() == 1) return;
  const auto groups = balanced_groups(count_ratings(ratings.users, cut.n_users, kTogether), n_stages_ * n_parts_);
  for (const std::uint32_t group : groups) {
    const std::uint32_t part = group % n_parts_;
    user_groups_.push_back({std::uint64_t{group / n_parts_} * n_parts_ * n_parts_ + part, part});
  }
  item_sets_ = balanced_groups(count_ratings(ratings.items, cut.n_items, kTogether), n_parts_);
}

std::uint64_t RatingLists::working_bytes(std::uint64_t n_ratings, const RatingCut& cut) {
  const std::uint64_t n_lists = n_stages(cut) * cut.n_parts * cut.n_parts;
  const std::uint64_t buffer = 12 * std::min(n_ratings, kSortedRatings) + 8 * (cut.n_items + 2);
  return n_writers(cut.n_parts) * (8 * n_lists + buffer);
}

std::vector<std::uint64_t> RatingLists::write(const RatingView& ratings, const RatingArrays& out) const {
  const unsigned n = n_writers(n_parts_);
  const auto slice_begin = [&](unsigned writer) { return ratings.size() * writer / n; };
  std::vector<std::vector<std::uint64_t>> next(n);
  on_threads(n, [&](unsigned writer) {
    std::vector<std::uint64_t> counts(n_lists());
    for (std::uint64_t k = slice_begin(writer); k < slice_begin(writer + 1); ++k) {
      ++counts[list_of(ratings.users[k], ratings.items[k])];
    }
    next[writer] = std::move(counts);
  });
  std::vector<std::uint64_t> starts(n_lists() + 1);
  std::uint64_t at = 0;
  for (std::uint64_t list = 0; list < n_lists(); ++list) {
    starts[list] = at;
    for (std::vector<std::uint64_t>& counts : next) at += std::exchange(counts[list], at);
  }
  starts.back() = at;
  on_threads(n, [&](unsigned writer) {
    std::vector<std::uint64_t>& to = next[writer];
    for (std::uint64_t k = slice_begin(writer); k < slice_begin(writer + 1); ++k) {
      const std::uint64_t place = to[list_of(ratings.users[k], ratings.items[k])]++;
      out.users[place] = ratings.users[k];
      out.items[place] = ratings.items[k];
      out.ratings[place] = ratings.ratings[k];
    }
  });
  std::atomic<std::uint64_t> next_list = 0;
  on_threads(n, [&](unsigned) {
    ListBuffer buffer;
    for (std::uint64_t list = next_list++; list < n_lists(); list = next_list++) {
      for (std::uint64_t first = starts[list]; first < starts[list + 1]; first += kSortedRatings) {
        sort_list(first, std::min(first + kSortedRatings, starts[list + 1]), out, buffer);
      }
    }
  });
  return starts;
}

// A stable sort of ratings [begin, end) by their items' block.
void RatingLists::sort_list(std::uint64_t begin, std::uint64_t end, const RatingArrays& lists,
                            ListBuffer& buffer) const {
  buffer.users.assign(lists.users + begin, lists.users + end);
  buffer.items.assign(lists.items + begin, lists.items + end);
  buffer.ratings.assign(lists.ratings + begin, lists.ratings + end);
  buffer.next.assign(n_items_ / items_a_block_ + 2, 0);
  for (const Row item : buffer.items) ++buffer.next[item / items_a_block_ + 1];
  std::partial_sum(buffer.next.begin(), buffer.next.end(), buffer.next.begin());
  for (std::size_t k = 0; k < buffer.items.size(); ++k) {
    const std::uint64_t to = begin + buffer.next[buffer.items[k] / items_a_block_]++;
    lists.users[to] = buffer.users[k];
    lists.items[to] = buffer.items[k];
    lists.ratings[to] = buffer.ratings[k];
  }
}

}  // namespace unfold
