#include "unfold/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::string_view kRandomPrefix = "random:";
constexpr std::string_view kLeaveLastPrefix = "leave-last:";
constexpr std::string_view kTimePrefix = "time:";

[[noreturn]] void fail_parse(const std::string& text) {
  throw UsageError(
      fmt::format("split \"{}\" is not one of: none; random:F (each rating with probability F, 0 < F < 1, as in "
                  "random:0.1); leave-last:N (the last N >= 1 ratings of each user by time, as in leave-last:1); "
                  "time:F (the last share F of all ratings, 0 < F < 1, as in time:0.1)",
                  text));
}

template <typename T>
T parse_number(const std::string& text, std::string_view prefix) {
  T value{};
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + prefix.size(), last, value);
  if (error != std::errc() || end != last) fail_parse(text);
  return value;
}

double parse_fraction(const std::string& text, std::string_view prefix) {
  const auto fraction = parse_number<double>(text, prefix);
  if (!(fraction > 0 && fraction < 1)) fail_parse(text);
  return fraction;
}

// 64 random bits of a (user, item) pair: the same wherever its rating stands in the file.
class PairDraw {
 public:
  PairDraw(std::uint64_t seed, RandomPurpose purpose) : seed_(seed), purpose_(purpose) {}
  std::uint64_t operator()(Row user, Row item) const {
    const RandomBlock block = random_block(seed_, purpose_, 0, std::uint64_t{user} << 32 | item);
    return std::uint64_t{block.v[0]} << 32 | block.v[1];
  }
  double uniform(Row user, Row item) const {
    const std::uint64_t bits = (*this)(user, item);
    return uniform_double(static_cast<std::uint32_t>(bits >> 32), static_cast<std::uint32_t>(bits));
  }

 private:
  std::uint64_t seed_;
  RandomPurpose purpose_;
};

// Times in the order of unsigned numbers.
std::uint64_t ordered_time(std::int64_t time) { return static_cast<std::uint64_t>(time) ^ (std::uint64_t{1} << 63); }

// The rank-th largest (1-based) of the keys of 0 .. n - 1 that take part, and how many are larger than it.
struct Threshold {
  std::uint64_t key = 0;
  std::uint64_t n_larger = 0;
};

// Radix selection, 16 bits a pass: 512 KB of counters whatever n is. `takes_part(i)` is asked before `key(i)`.
template <typename TakesPart, typename Key>
Threshold select_largest(std::uint64_t n, std::uint64_t rank, TakesPart takes_part, Key key) {
  constexpr int kDigitBits = 16;
  Threshold threshold;
  std::vector<std::uint64_t> counts(std::size_t{1} << kDigitBits);
  for (int shift = 64 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    std::fill(counts.begin(), counts.end(), 0);
    const bool is_first = shift == 64 - kDigitBits;
    for (std::uint64_t i = 0; i < n; ++i) {
      if (!takes_part(i)) continue;
      const std::uint64_t k = key(i);
      if (!is_first && k >> (shift + kDigitBits) != threshold.key >> (shift + kDigitBits)) continue;
      ++counts[(k >> shift) & 0xFFFF];
    }
    std::uint64_t digit = counts.size() - 1;
    while (threshold.n_larger + counts[digit] < rank) threshold.n_larger += counts[digit--];
    threshold.key |= digit << shift;
  }
  return threshold;
}

// Copies each rating to one of two sets of columns.
template <typename IsHeldOut>
SplitResult partition(const RatingView& ratings, IsHeldOut is_held_out) {
  RatingWriter kept = RatingWriter::temporary(ratings.has_times());
  RatingWriter held_out = RatingWriter::temporary(ratings.has_times());
  for (std::uint64_t n = 0; n < ratings.size(); ++n) (is_held_out(n) ? held_out : kept).append(ratings[n]);
  return {kept.finish(), held_out.finish()};
}

SplitResult split_random(const RatingView& ratings, double fraction, const PairDraw& draw) {
  return partition(ratings,
                   [&](std::uint64_t n) { return draw.uniform(ratings.users[n], ratings.items[n]) < fraction; });
}

SplitResult split_time(const RatingView& ratings, double fraction, const PairDraw& draw) {
  // A decimal fraction is stored up to an ulp too small: without the margin 0.29 of 100 would be 28.
  constexpr double kMargin = 1 + 4 * std::numeric_limits<double>::epsilon();
  const auto n_held = static_cast<std::uint64_t>(static_cast<double>(ratings.size()) * fraction * kMargin);
  if (n_held == 0) return partition(ratings, [](std::uint64_t) { return false; });
  const auto time = [&](std::uint64_t n) { return ordered_time(ratings.times[n]); };
  const auto pair_draw = [&](std::uint64_t n) { return draw(ratings.users[n], ratings.items[n]); };
  const Threshold last = select_largest(
      ratings.size(), n_held, [](std::uint64_t) { return true; }, time);
  const auto is_tied = [&](std::uint64_t n) { return time(n) == last.key; };
  const std::uint64_t n_of_ties = n_held - last.n_larger;
  const Threshold tied = select_largest(ratings.size(), n_of_ties, is_tied, pair_draw);
  // Equal time and draw means the same pair, as good as always: any of them will do.
  std::uint64_t n_of_equals = n_of_ties - tied.n_larger;
  return partition(ratings, [&](std::uint64_t n) {
    if (time(n) != last.key) return time(n) > last.key;
    const std::uint64_t k = pair_draw(n);
    if (k != tied.key) return k > tied.key;
    if (n_of_equals == 0) return false;
    --n_of_equals;
    return true;
  });
}

// Orders a user's ratings: time, then draw; position tells repeated pairs apart.
using LastKey = std::tuple<std::int64_t, std::uint64_t, std::uint64_t>;

SplitResult split_leave_last(const RatingView& ratings, std::uint32_t n_users, std::uint64_t count,
                             const PairDraw& draw) {
  std::vector<std::uint64_t> n_ratings(n_users);
  for (std::uint64_t n = 0; n < ratings.size(); ++n) {
    if (ratings.users[n] >= n_users) {
      throw DataError(fmt::format("rating {} has user row {}, but there are {} users; import the data set again", n,
                                  ratings.users[n], n_users));
    }
    ++n_ratings[ratings.users[n]];
  }
  // The last `count` keys of each user with more than that, as a heap with the least of them on top.
  std::vector<std::vector<LastKey>> last(n_users);
  for (std::uint32_t user = 0; user < n_users; ++user) {
    if (n_ratings[user] > count) last[user].reserve(static_cast<std::size_t>(count) + 1);
  }
  const auto key = [&](std::uint64_t n) {
    return LastKey(ratings.times[n], draw(ratings.users[n], ratings.items[n]), n);
  };
  for (std::uint64_t n = 0; n < ratings.size(); ++n) {
    if (n_ratings[ratings.users[n]] <= count) continue;
    std::vector<LastKey>& heap = last[ratings.users[n]];
    heap.push_back(key(n));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
    if (heap.size() <= count) continue;
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
  }
  return partition(ratings, [&](std::uint64_t n) {
    const std::vector<LastKey>& heap = last[ratings.users[n]];
    return !heap.empty() && key(n) >= heap.front();
  });
}

SplitResult split_by_kind(const RatingView& ratings, std::uint32_t n_users, const SplitSpec& spec,
                          const PairDraw& draw) {
  switch (spec.kind) {
    case SplitKind::kNone:
      return partition(ratings, [](std::uint64_t) { return false; });
    case SplitKind::kRandom:
      return split_random(ratings, spec.fraction, draw);
    case SplitKind::kLeaveLast:
      return split_leave_last(ratings, n_users, spec.count, draw);
    case SplitKind::kTime:
      return split_time(ratings, spec.fraction, draw);
  }
  return {};
}

}  // namespace

SplitSpec SplitSpec::parse(const std::string& text) {
  if (text == "none") return {};
  if (text.starts_with(kRandomPrefix)) return {SplitKind::kRandom, parse_fraction(text, kRandomPrefix), 0};
  if (text.starts_with(kTimePrefix)) return {SplitKind::kTime, parse_fraction(text, kTimePrefix), 0};
  if (!text.starts_with(kLeaveLastPrefix)) fail_parse(text);
  const auto count = parse_number<std::uint64_t>(text, kLeaveLastPrefix);
  if (count == 0) fail_parse(text);
  return {SplitKind::kLeaveLast, 0, count};
}

bool SplitSpec::looks_like(const std::string& text) {
  if (text == "none") return true;
  return std::ranges::any_of(std::array{kRandomPrefix, kLeaveLastPrefix, kTimePrefix}, [&](std::string_view prefix) {
    return text.starts_with(prefix) || text == prefix.substr(0, prefix.size() - 1);
  });
}

std::string SplitSpec::to_string() const {
  switch (kind) {
    case SplitKind::kNone:
      return "none";
    case SplitKind::kRandom:
      return fmt::format("{}{}", kRandomPrefix, fraction);
    case SplitKind::kLeaveLast:
      return fmt::format("{}{}", kLeaveLastPrefix, count);
    case SplitKind::kTime:
      return fmt::format("{}{}", kTimePrefix, fraction);
  }
  return "";
}

SplitResult split_ratings(const RatingView& ratings, std::uint32_t n_users, const SplitSpec& spec, std::uint64_t seed,
                          RandomPurpose purpose) {
  const bool needs_times = spec.kind == SplitKind::kLeaveLast || spec.kind == SplitKind::kTime;
  if (needs_times && ratings.size() != 0 && !ratings.has_times()) {
    throw UsageError(
        fmt::format("split {} needs the time of each rating and the data has none; name its column or use random:F",
                    spec.to_string()));
  }
  SplitResult result = split_by_kind(ratings, n_users, spec, PairDraw(seed, purpose));
  if (spec.kind == SplitKind::kNone) return result;
  if (result.held_out.size() == 0) {
    throw UsageError(fmt::format("split {} holds out none of {} ratings; hold out more or bring more data",
                                 spec.to_string(), ratings.size()));
  }
  if (result.kept.size() == 0) {
    throw UsageError(fmt::format("split {} holds out all of {} ratings; hold out less or bring more data",
                                 spec.to_string(), ratings.size()));
  }
  return result;
}

Ratings join_parts(const RatingView& train, const RatingView& validation, const SeenItems& trained) {
  RatingWriter joined = RatingWriter::temporary(false);
  for (std::uint64_t n = 0; n < train.size(); ++n) joined.append(train[n]);
  for (std::uint64_t n = 0; n < validation.size(); ++n) {
    const Rating rating = validation[n];
    if (rating.user == kNoRow || rating.item == kNoRow || trained.contains(rating.user, rating.item)) continue;
    joined.append(rating);
  }
  return joined.finish();
}

}  // namespace unfold
