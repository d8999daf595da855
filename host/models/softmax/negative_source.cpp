#include "host/models/softmax/negative_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "unfold/alias_table.hpp"

namespace unfold {
namespace {

bool is_popularity(const SoftmaxShape& shape) { return shape.negatives.random == RandomNegatives::kPopularity; }
bool is_full(const SoftmaxShape& shape) { return shape.negatives.random == RandomNegatives::kFull; }
bool is_mixed(const SoftmaxShape& shape) { return shape.negatives.random == RandomNegatives::kMixed; }
bool has_log_counts(const SoftmaxShape& shape) { return shape.n_shared() > 0 && !is_full(shape) && !is_mixed(shape); }

SeenItems rated_at_least(const RatingView& train, double mean, const SoftmaxShape& shape) {
  std::vector<Row> users, items;
  std::vector<float> ratings;
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    if (static_cast<double>(train.ratings[n]) < mean) continue;
    users.push_back(train.users[n]);
    items.push_back(train.items[n]);
    ratings.push_back(train.ratings[n]);
  }
  return SeenItems::from_ratings({users, items, ratings, {}}, shape.n_users, shape.n_items);
}

constexpr const char* kName = "what users know, and what is drawn from";

}  // namespace

StepKeys step_keys(std::uint64_t seed, const StepVariables* now) {
  const auto key = [&](std::uint64_t place) -> RandomKey { return {seed + place * kSeedStride, 0, 0, now}; };
  return {.shared = key(0), .own = key(1), .candidates = key(2), .dropout = key(3), .selection = key(4)};
}

NegativeSource::NegativeSource(const Arena& arena, const SoftmaxShape& shape, const RatingView& positives,
                               const SeenItems& seen)
    : backend_(arena.backend()), shape_(shape), n_rejected_(arena.array<std::uint64_t>(kName, 1)) {
  SeenItems rated_well;
  const bool is_rated = !shape.has_floor && (shape.is_rated || shape.is_disliked());
  if (is_rated) rated_well = rated_at_least(positives, static_cast<double>(seen.mean_rating), shape);
  const SeenItems& known = is_rated ? rated_well : seen;
  known_offsets_ = arena.array(kName, known.offsets);
  known_ids_ = arena.array(kName, known.items);
  const std::vector<std::uint64_t> counts = seen.item_counts(shape.n_items);
  const std::vector<float> log_q = build_sampler(arena, known, counts);
  if (has_log_counts(shape)) build_log_counts(arena, counts, log_q);
  if (is_mixed(shape)) times_ = arena.array<std::uint32_t>(kName, shape.n_items);
  if (is_full(shape)) {
    std::vector<Row> rows(shape.n_items);
    std::iota(rows.begin(), rows.end(), 0u);
    all_items_ = arena.array(kName, rows);
  }
}

std::vector<float> NegativeSource::build_sampler(const Arena& arena, const SeenItems& known,
                                                 const std::vector<std::uint64_t>& counts) {
  sampler_.n_items = shape_.n_items;
  if (!is_popularity(shape_)) return std::vector<float>(shape_.n_items, -std::log(static_cast<float>(shape_.n_items)));
  AliasTable table = build_alias_table(popularity_weights(counts, shape_.negatives.alpha));
  alias_threshold_ = arena.array(kName, table.thresholds);
  alias_ = arena.array(kName, table.aliases);
  log_q_ = arena.array(kName, table.log_q);
  log_unknown_mass_ = arena.array(kName, log_unknown_masses(table, known.offsets, known.items));
  sampler_ = {shape_.n_items, alias_threshold_.data(), alias_.data(), log_q_.data(), log_unknown_mass_.data()};
  return std::move(table.log_q);
}

// Draws times probability, or for in-batch ones the size of the batch times the item's share of the positives.
void NegativeSource::build_log_counts(const Arena& arena, const std::vector<std::uint64_t>& counts,
                                      const std::vector<float>& log_q) {
  const auto add_table = [&](auto&& expected) {
    std::vector<float> table(shape_.n_items);
    for (std::uint32_t i = 0; i < shape_.n_items; ++i) table[i] = static_cast<float>(std::log(expected(i)));
    log_counts_.push_back(arena.array(kName, table));
  };
  if (shape_.n_in_batch() == 0) {
    const auto n_drawn = static_cast<double>(shape_.n_shared());
    add_table([&](std::uint32_t i) { return n_drawn * std::exp(static_cast<double>(log_q[i])); });
    return;
  }
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  for (const std::uint64_t size : shape_.batch_sizes) {
    add_table([&](std::uint32_t i) { return static_cast<double>(size) * static_cast<double>(counts[i]) / total; });
  }
}

const float* NegativeSource::log_counts(const RatingBatch& batch) const {
  if (log_counts_.empty()) return nullptr;
  if (shape_.n_in_batch() == 0) return log_counts_.front().data();
  const auto place = std::ranges::find(shape_.batch_sizes, batch.size) - shape_.batch_sizes.begin();
  if (static_cast<std::size_t>(place) == log_counts_.size()) {
    throw std::logic_error(fmt::format("a batch of {} in-batch negatives, a size that was not told of", batch.size));
  }
  return log_counts_[static_cast<std::size_t>(place)].data();
}

std::uint64_t NegativeSource::n_shared(std::uint64_t n_queries) const {
  if (is_full(shape_) || shape_.n_in_batch() == 0) return shape_.n_shared();
  return n_queries + shape_.n_shared() - shape_.n_in_batch();
}

std::uint64_t NegativeSource::draw_shared(const RatingBatch& batch, const RandomKey& key, Row* rows) {
  if (is_full(shape_)) {
    backend_.copy_on_device(rows, all_items_.data(), all_items_.bytes());
    return all_items_.size();
  }
  const std::uint64_t n_in_batch = shape_.n_in_batch() == 0 ? 0 : batch.size;
  const std::uint64_t n_drawn = shape_.n_shared() - shape_.n_in_batch();
  backend_.copy_on_device(rows, batch.items, sizeof(Row) * n_in_batch);
  if (n_drawn > 0) draw_any(key, static_cast<std::uint32_t>(n_drawn), rows + n_in_batch, nullptr);
  return n_in_batch + n_drawn;
}

void NegativeSource::count_mixed(const RatingBatch& batch, const Row* rows, std::uint64_t n, float* log_count) {
  if (!is_mixed(shape_)) return;
  const float expected_draws = static_cast<float>(n - batch.size) / static_cast<float>(shape_.n_items);
  backend_.run(MixedLogCounts{.given = rows,
                              .n_given = batch.size,
                              .rows = rows,
                              .n_rows = n,
                              .expected_draws = expected_draws,
                              .times = times_.data(),
                              .log_count = log_count});
}

void NegativeSource::draw_own(const RatingBatch& batch, const RandomKey& key, std::uint32_t n, Row* rows,
                              float* log_q) {
  backend_.run(DrawNegatives{.sampler = sampler_,
                             .key = key,
                             .queries = batch.users,
                             .n_queries = batch.size,
                             .n_negatives = n,
                             .known = known(),
                             .negatives = rows,
                             .log_q = log_q,
                             .n_rejected = n_rejected_.data()});
}

void NegativeSource::draw_any(const RandomKey& key, std::uint32_t n, Row* rows, float* log_q) {
  backend_.run(DrawNegatives{.sampler = sampler_,
                             .key = key,
                             .n_queries = 1,
                             .n_negatives = n,
                             .negatives = rows,
                             .log_q = log_q,
                             .n_rejected = n_rejected_.data()});
}

std::vector<Row> disliked_items(const RatingView& train, double mean, std::uint32_t n_users, std::uint32_t n) {
  std::vector<Row> lists(std::uint64_t{n_users} * n, kNoRow);
  std::vector<std::uint32_t> sizes(n_users);
  for (std::uint64_t k = 0; k < train.size(); ++k) {
    std::uint32_t& size = sizes[train.users[k]];
    if (static_cast<double>(train.ratings[k]) >= mean || size == n) continue;
    lists[train.users[k] * std::uint64_t{n} + size++] = train.items[k];
  }
  return lists;
}

}  // namespace unfold
