#include "host/data/synthetic_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "unfold/alias_table.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

// The numbers of one stream, one after the other.
class Sequence {
 public:
  Sequence(std::uint64_t seed, SyntheticStream stream) : seed_(seed), step_(static_cast<std::uint32_t>(stream)) {}
  RandomBlock next() { return random_block(seed_, RandomPurpose::kSynthetic, step_, position_++); }

 private:
  std::uint64_t seed_;
  std::uint32_t step_;
  std::uint64_t position_ = 0;
};

// Members of a group are group, group + n_groups, group + 2 * n_groups, ...
std::uint64_t group_size(std::uint64_t n, std::uint64_t n_groups, std::uint64_t group) {
  return (n + n_groups - 1 - group) / n_groups;
}

// Weight of the given rank. Never 0, so that every member can be drawn when nothing else is left.
double popularity(std::uint64_t rank, double skew) {
  return std::max(std::pow(static_cast<double>(rank) + 1, -skew), 1e-300);
}

// How many ratings each user has: n_ratings draws by weight, and what a user cannot take goes to the others.
std::vector<std::uint64_t> draw_user_counts(const SyntheticOptions& options) {
  constexpr int kRounds = 16;
  std::vector<double> weights(options.n_users);
  std::vector<std::uint64_t> counts(options.n_users);
  const auto capacity = [&](std::uint64_t user) {
    return group_size(options.n_items, options.groups, user % options.groups);
  };
  for (std::uint64_t user = 0; user < options.n_users; ++user) weights[user] = popularity(user, options.user_skew);
  Sequence sequence(options.seed, SyntheticStream::kUserCount);
  std::uint64_t left = options.n_ratings;
  for (int round = 0; left != 0 && round < kRounds; ++round) {
    const AliasTable table = build_alias_table(weights);
    for (; left != 0; --left) ++counts[draw_alias(table, sequence.next())];
    for (std::uint64_t user = 0; user < options.n_users; ++user) {
      if (counts[user] < capacity(user)) continue;
      left += counts[user] - capacity(user);
      counts[user] = capacity(user);
      weights[user] = 0;
    }
  }
  // Extreme skew leaves a rest that few users share: from the most active one down, as more rounds would.
  for (std::uint64_t user = 0; left != 0; ++user) {
    const std::uint64_t taken = std::min(left, capacity(user) - counts[user]);
    counts[user] += taken;
    left -= taken;
  }
  return counts;
}

// Draws distinct items of one group for one user after another.
class ItemSampler {
 public:
  explicit ItemSampler(const SyntheticOptions& options)
      : n_groups_(options.groups),
        weights_(options.n_items),
        taken_by_(options.n_items),
        sequence_(options.seed, SyntheticStream::kItem) {
    for (std::uint64_t item = 0; item < options.n_items; ++item) weights_[item] = popularity(item, options.skew);
    std::vector<double> of_group;
    for (std::uint64_t group = 0; group < n_groups_; ++group) {
      of_group.clear();
      for (std::uint64_t item = group; item < options.n_items; item += n_groups_) of_group.push_back(weights_[item]);
      tables_.push_back(build_alias_table(of_group));
    }
  }

  void append(Row user, std::uint64_t count, std::vector<SyntheticPair>& pairs) {
    const std::uint64_t group = user % n_groups_;
    const std::uint64_t end = pairs.size() + count;
    // Repeated items are drawn again, which is cheap until the popular ones are all taken.
    for (std::uint64_t budget = 4 * count + 64; budget != 0 && pairs.size() != end; --budget) {
      const auto item = static_cast<Row>(group + n_groups_ * draw_alias(tables_[group], sequence_.next()));
      if (taken_by_[item] == user + std::uint64_t{1}) continue;
      taken_by_[item] = user + std::uint64_t{1};
      pairs.push_back({user, item});
    }
    if (pairs.size() != end) append_from_rest(user, end - pairs.size(), pairs);
  }

 private:
  // The same distribution in one pass over the items not yet taken: the smallest of exponential times with the
  // weights as rates (Efraimidis and Spirakis, Weighted random sampling with a reservoir, IPL 2006).
  void append_from_rest(Row user, std::uint64_t count, std::vector<SyntheticPair>& pairs) {
    rest_.clear();
    for (std::uint64_t item = user % n_groups_; item < weights_.size(); item += n_groups_) {
      if (taken_by_[item] == user + std::uint64_t{1}) continue;
      const RandomBlock bits = sequence_.next();
      const double time = -std::log1p(-uniform_double(bits.v[0], bits.v[1])) / weights_[item];
      rest_.emplace_back(time, static_cast<Row>(item));
    }
    const auto end = rest_.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(rest_.begin(), end - 1, rest_.end());
    for (auto next = rest_.begin(); next != end; ++next) pairs.push_back({user, next->second});
  }

  std::uint64_t n_groups_;
  std::vector<double> weights_;
  std::vector<AliasTable> tables_;       // of each group, by position within it
  std::vector<std::uint64_t> taken_by_;  // user + 1 that took the item last
  std::vector<std::pair<double, Row>> rest_;
  Sequence sequence_;
};

void shuffle(std::vector<SyntheticPair>& pairs, std::uint64_t seed) {
  Sequence sequence(seed, SyntheticStream::kShuffle);
  for (std::uint64_t n = pairs.size(); n > 1; --n) {
    const RandomBlock bits = sequence.next();
    std::swap(pairs[n - 1], pairs[uniform_below(bits.v[0], bits.v[1], n)]);
  }
}

}  // namespace

std::uint64_t count_possible_pairs(const SyntheticOptions& options) {
  std::uint64_t n_pairs = 0;
  for (std::uint64_t group = 0; group < options.groups; ++group) {
    n_pairs += group_size(options.n_users, options.groups, group) * group_size(options.n_items, options.groups, group);
  }
  return n_pairs;
}

std::vector<SyntheticPair> draw_synthetic_pairs(const SyntheticOptions& options) {
  const std::vector<std::uint64_t> counts = draw_user_counts(options);
  std::vector<SyntheticPair> pairs;
  pairs.reserve(options.n_ratings);
  ItemSampler sampler(options);
  for (std::uint64_t user = 0; user < options.n_users; ++user) {
    sampler.append(static_cast<Row>(user), counts[user], pairs);
  }
  shuffle(pairs, options.seed);
  return pairs;
}

}  // namespace unfold
