// Inputs for checks of sampled_softmax, the op on a backend, and its outputs against the reference.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/softmax_reference.hpp"

namespace unfold::selfcheck {

struct SoftmaxSizes {
  std::uint64_t n_queries = 7, n_shared = 19;
  std::uint32_t n_own = 3;
  std::uint32_t dim = 8, stride = 8;
  TableType type = TableType::kFloat32;  // of the table, whose stride all matrices have
};

// What a case leaves out of an op that can take it.
struct SoftmaxParts {
  bool biases = true, log_counts = true, known = true, thresholds = false, normalize = false;
};

inline constexpr Row kSoftmaxItems = 23, kSoftmaxUsers = 6;
inline constexpr Row kUserWhoKnowsNone = 0, kUserWhoKnowsAllItems = 1;

// Users know nothing, everything, and about a third. Scores are around 1, times 1 / T of 3 or so.
inline HostSoftmax random_softmax(std::mt19937_64& random, const SoftmaxSizes& shape, const SoftmaxParts& parts,
                                  const SoftmaxLoss& loss) {
  const float spread = std::sqrt(3.0f / std::sqrt(static_cast<float>(shape.dim)));
  const auto table = [&](std::uint64_t n) { return random_table(random, n, shape.dim, shape.stride, spread); };
  const auto numbers = [&](std::uint64_t n, float scale) { return random_table(random, n, 1, 1, scale).values; };
  HostSoftmax c{
      .queries = table(shape.n_queries),
      .positives = table(shape.n_queries),
      .users = random_rows(random, kSoftmaxUsers, shape.n_queries),
      .has_known = parts.known,
      .log_temperature = -1.1f,
      .shared = table(shape.n_shared),
      .shared_rows = random_rows(random, kSoftmaxItems, shape.n_shared),
      .items = random_table(random, kSoftmaxItems, shape.dim, shape.stride, parts.normalize ? 3 : spread, shape.type),
      .normalize = parts.normalize,
      .n_own = shape.n_own,
      .own_rows = random_rows(random, kSoftmaxItems, shape.n_queries * shape.n_own),
      .loss = loss,
      .scale = 0.37f};
  for (Row user = 0; user < kSoftmaxUsers; ++user) {
    std::vector<Row> list;
    for (Row item = 0; item < kSoftmaxItems; ++item)
      if (user == kUserWhoKnowsAllItems || (user != kUserWhoKnowsNone && random() % 3 == 0)) list.push_back(item);
    c.known.append(list);
  }
  // Some of a query's own negatives are missing, all of the first query's; an item of zeros has no direction.
  for (std::uint64_t place = 0; place < c.own_rows.size(); ++place)
    if (place < shape.n_own || random() % 7 == 0) c.own_rows[place] = kNoRow;
  for (std::uint32_t k = 0; k < shape.dim; ++k) c.items.at(4, k) = 0;
  if (parts.biases) {
    c.positive_bias = numbers(shape.n_queries, 0.5f);
    c.shared_bias = numbers(shape.n_shared, 0.5f);
    c.item_bias = numbers(kSoftmaxItems, 0.5f);
  }
  if (parts.log_counts) {
    c.shared_log_count = numbers(shape.n_shared, 3);
    c.own_log_count = numbers(shape.n_queries * shape.n_own, 3);
  }
  c.log_draws = parts.log_counts == parts.biases ? 1.7f : 0;
  if (parts.thresholds) {
    c.threshold_stride = 3;
    c.weights = numbers(shape.n_queries, 2);
    c.thresholds = numbers(kSoftmaxUsers * c.threshold_stride, 1);
    c.loss.weight_temperature = 0.8f;
  }
  return c;
}

// Of scores that rounding moves by no more than a percent or two of the temperature, and queries that do not cancel
// each other in a negative's gradient. The first one knows nothing.
inline HostSoftmax moderate_softmax(std::mt19937_64& random, const SoftmaxSizes& shape, const SoftmaxParts& parts,
                                    const SoftmaxLoss& loss) {
  HostSoftmax c = random_softmax(random, shape, parts, loss);
  if (shape.n_queries > 0) c.users[0] = kUserWhoKnowsNone;
  c.log_temperature = 0.1f;
  c.score_type = TableType::kBfloat16;
  // The absolute terms of a score add up to 1/2 or so.
  const float shrink = std::sqrt(2 / (3 * std::sqrt(static_cast<float>(shape.dim))));
  for (HostTable* const table : {&c.queries, &c.positives, &c.shared})
    for (float& x : table->values) x *= shrink;
  for (std::vector<float>* const values : {&c.queries.values, &c.weights})
    for (float& x : *values) x = std::abs(x);
  return c;
}

struct SoftmaxOutputs {
  std::vector<float> queries, positives, shared, own;  // [.., stride]
  std::vector<float> positive_bias, shared_bias, own_bias, log_temperature;
  double loss = 0;
  std::uint64_t n_rejected = 0;
};

// What the sums hold before the op.
inline constexpr double kLossBefore = 0.25;
inline constexpr std::uint64_t kRejectedBefore = 1000;

// `optional_outputs` false: no gradients by biases and temperature. A matrix has another stride than the queries' where
// `other_stride` names it.
inline SoftmaxOutputs run_softmax(Backend& backend, const HostSoftmax& c, std::uint64_t extra_bytes = 0,
                                  bool optional_outputs = true, const std::string& other_stride = "") {
  const std::uint64_t n = c.n_queries(), n_shared = c.shared_rows.size(), n_own = c.own_rows.size();
  const std::uint32_t dim = c.dim(), stride = c.queries.stride;
  const GuardedArray<float> queries(backend, c.queries.values), positives(backend, c.positives.values);
  const GuardedArray<float> positive_bias(backend, c.positive_bias), thresholds(backend, c.thresholds);
  const GuardedArray<float> weights(backend, c.weights);
  const GuardedArray<float> log_temperature(backend, std::vector<float>{c.log_temperature});
  const GuardedArray<Row> users(backend, c.users), ids(backend, c.known.ids);
  const GuardedArray<std::uint64_t> offsets(backend, c.known.offsets);
  const GuardedArray<float> shared(backend, c.shared.values), shared_log_count(backend, c.shared_log_count);
  const GuardedArray<float> own_log_count(backend, c.own_log_count);
  // Behind other items' biases, as in a batch: at any address that a float may have.
  const std::uint64_t n_before = n % 2;
  std::vector<float> biases(c.shared_bias.empty() ? 0 : n_before);
  biases.insert(biases.end(), c.shared_bias.begin(), c.shared_bias.end());
  const GuardedArray<float> shared_bias(backend, biases);
  const GuardedArray<float> item_bias(backend, c.item_bias);
  const GuardedArray<Row> shared_rows(backend, c.shared_rows), own_rows(backend, c.own_rows);
  const GuardedArray<std::byte> items(backend, c.items.bytes());
  // Shared negatives stand behind other rows of their batch, some of which are theirs.
  std::vector<Row> batch_rows = {2, 0, 2, 5, 3};
  const std::uint64_t first_shared = batch_rows.size();
  batch_rows.insert(batch_rows.end(), c.shared_rows.begin(), c.shared_rows.end());
  const GuardedArray<Row> device_batch_rows(backend, batch_rows);
  const TestSort sort(backend, device_batch_rows.data(), batch_rows.size(),
                      1 + std::uint64_t{*std::ranges::max_element(batch_rows)});

  const std::uint32_t wide = stride + (other_stride.empty() ? 0 : 16);  // room for what an op that takes it would write
  const GuardedArray<float> by_queries(backend, n * wide), by_positives(backend, n * wide);
  const GuardedArray<float> by_shared(backend, n_shared * wide), by_own(backend, n_own * wide);
  const GuardedArray<float> by_positive_bias(backend, n), by_shared_bias(backend, n_shared),
      by_own_bias(backend, n_own);
  const GuardedArray<float> by_log_temperature(backend, n);
  const GuardedArray<double> loss(backend, std::vector<double>{kLossBefore});
  const GuardedArray<std::uint64_t> rejected(backend, std::vector<std::uint64_t>{kRejectedBefore});

  const auto pointer = [](const auto& array) { return array.size() == 0 ? nullptr : array.data(); };
  const auto optional = [&](const auto& array) { return optional_outputs ? pointer(array) : nullptr; };
  const auto view = [&](const char* name, const auto& array, std::uint64_t rows) {
    return MatrixView{rows == 0 ? nullptr : array.data(), rows, dim, name == other_stride ? stride + 16 : stride};
  };
  const bool uses_users = c.has_known || !c.thresholds.empty();
  run_op(backend,
         SampledSoftmax{.batch = {.queries = view("queries", queries, n),
                                  .positives = view("positives", positives, n),
                                  .positive_bias = pointer(positive_bias),
                                  .weights = pointer(weights),
                                  .users = uses_users ? users.data() : nullptr,
                                  .known = c.has_known ? RowLists{offsets.data(), ids.data()} : RowLists{},
                                  .log_temperature = log_temperature.data(),
                                  .thresholds = pointer(thresholds),
                                  .threshold_stride = c.threshold_stride},
                        .shared = {.vectors = view("shared", shared, n_shared),
                                   .rows = pointer(shared_rows),
                                   .sorted = sort.view(),
                                   .first_sorted = first_shared,
                                   .log_count = pointer(shared_log_count),
                                   .bias = c.shared_bias.empty() ? nullptr : shared_bias.data() + n_before,
                                   .score_type = c.score_type,
                                   .fused = c.fused},
                        .own = {.table = {items.data(), c.items.rows, c.items.cols, c.items.stride, c.items.type},
                                .normalize = c.normalize,
                                .rows = pointer(own_rows),
                                .log_count = pointer(own_log_count),
                                .log_draws = c.log_draws,
                                .item_bias = pointer(item_bias),
                                .n = c.n_own},
                        .loss = c.loss,
                        .scale = c.scale,
                        .gradients = {.queries = view("by_queries", by_queries, n),
                                      .positives = view("by_positives", by_positives, n),
                                      .shared = view("by_shared", by_shared, n_shared),
                                      .own = view("by_own", by_own, n_own),
                                      .positive_bias = optional(by_positive_bias),
                                      .shared_bias = optional(by_shared_bias),
                                      .own_bias = optional(by_own_bias),
                                      .log_temperature = optional(by_log_temperature),
                                      .loss = loss.data(),
                                      .n_rejected = rejected.data()}},
         extra_bytes);
  return {by_queries.download(),       by_positives.download(),   by_shared.download(),   by_own.download(),
          by_positive_bias.download(), by_shared_bias.download(), by_own_bias.download(), by_log_temperature.download(),
          loss.download()[0],          rejected.download()[0]};
}

// Of what every run gives.
inline bool same_vectors(const SoftmaxOutputs& a, const SoftmaxOutputs& b) {
  return same_bits(a.queries, b.queries) && same_bits(a.positives, b.positives) && same_bits(a.shared, b.shared) &&
         same_bits(a.own, b.own) && a.loss == b.loss && a.n_rejected == b.n_rejected;
}
inline bool same_bits(const SoftmaxOutputs& a, const SoftmaxOutputs& b) {
  return same_vectors(a, b) && same_bits(a.positive_bias, b.positive_bias) && same_bits(a.shared_bias, b.shared_bias) &&
         same_bits(a.own_bias, b.own_bias) && same_bits(a.log_temperature, b.log_temperature);
}

// `got` [.., stride] against `expected` [.., cols]; padding is zero. Few bounds may say nothing.
inline void expect_rows(const char* what, const std::vector<float>& got, const std::vector<Bounded>& expected,
                        std::uint32_t cols, std::uint32_t stride) {
  Checker& check = Checker::current();
  const auto unbounded = std::ranges::count_if(expected, [](Bounded b) { return std::isinf(b.error); });
  check.that(static_cast<double>(unbounded) <= 0.01 * static_cast<double>(expected.size()),
             "{}: the reference bounds too few values", what);
  for (std::uint64_t n = 0; n < got.size(); ++n) {
    const std::uint64_t row = n / stride, column = n % stride;
    const Bounded value = column < cols ? expected[row * cols + column] : Bounded(0);
    if (!check.near(got[n], value, "{} row {} column {}", what, row, column)) return;
  }
}

// All of a run's outputs against the reference's.
inline void expect_softmax(const HostSoftmax& c, const SoftmaxOutputs& got) {
  Checker& check = Checker::current();
  const ReferenceSoftmax expected = reference_sampled_softmax(c);
  const std::uint32_t dim = c.dim(), stride = c.queries.stride;
  expect_rows("query gradient", got.queries, expected.queries, dim, stride);
  expect_rows("positive gradient", got.positives, expected.positives, dim, stride);
  expect_rows("shared gradient", got.shared, expected.shared, dim, stride);
  expect_rows("own gradient", got.own, expected.own, dim, stride);
  expect_rows("positive bias gradient", got.positive_bias, expected.positive_bias, 1, 1);
  expect_rows("shared bias gradient", got.shared_bias, expected.shared_bias, 1, 1);
  expect_rows("own bias gradient", got.own_bias, expected.own_bias, 1, 1);
  expect_rows("log temperature gradient", got.log_temperature, expected.log_temperature, 1, 1);
  check.near(got.loss, {kLossBefore + expected.loss.value, expected.loss.error}, "loss");
  check.that(got.n_rejected == kRejectedBefore + expected.n_rejected, "{} rejected, expected {}",
             got.n_rejected - kRejectedBefore, expected.n_rejected);
}

inline void check_softmax(Backend& backend, const HostSoftmax& c) { expect_softmax(c, run_softmax(backend, c)); }

// Bounds that leave room for a tenth of the values at most.
inline void expect_sharp(const char* what, const std::vector<Bounded>& expected) {
  double values = 0, errors = 0;
  for (const Bounded& x : expected) {
    values += std::abs(x.value);
    errors += x.error;
  }
  Checker::current().that(errors <= 0.1 * values, "{}: bounds of {} on values of {}", what, errors, values);
}
inline void expect_sharp(const HostSoftmax& c) {
  const ReferenceSoftmax expected = reference_sampled_softmax(c);
  expect_sharp("query gradient", expected.queries);
  expect_sharp("positive gradient", expected.positives);
  expect_sharp("shared gradient", expected.shared);
  expect_sharp("shared bias gradient", expected.shared_bias);
  expect_sharp("loss", {expected.loss});
}

}  // namespace unfold::selfcheck
