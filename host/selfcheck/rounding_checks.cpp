#include "host/selfcheck/rounding_checks.hpp"

#include <cmath>
#include <limits>

namespace unfold::selfcheck {
namespace {

constexpr std::uint64_t kKey = 0x13198A2E03707344u;

// The weight that `result` is stored as: column c of the row with this place.
float stored(float result, TableType type, std::uint64_t place, std::uint32_t c) {
  const RandomBlock random = rounding_bits(kKey, place, c / 8);
  const std::uint32_t bits = random.v[c % 8 / 2] >> 16 * (c % 2) & 0xFFFFu;
  return with_element(type, [&]<typename Element>() { return to_float(round_stochastic<Element>(result, bits)); });
}

// Multiples of 1/4 from -1 to 1.
HostTable table_of_quarters(CheckRun& run, std::uint64_t rows, std::uint32_t dim, TableType type) {
  HostTable table = random_table(run.random, rows, dim, run.backend.row_stride(dim, type), 1, type);
  for (float& value : table.values) value = std::round(4 * value) / 4;
  return table;
}

OptimizerStep exact_step() {
  OptimizerStep step;
  step.kind = OptimizerKind::kSgd;
  step.learning_rate = 0x1p-10f;
  step.rounding_key = kKey;
  return step;
}

bool expect_row(CheckRun& run, const HostTable& start, const std::vector<float>& got, Row row, std::uint64_t place,
                const std::vector<float>& gradient) {
  for (std::uint32_t c = 0; c < start.cols; ++c) {
    const float expected = stored(start.at(row, c) - 0x1p-10f * gradient[c], start.type, place, c);
    const float found = got[row * start.stride + c];
    const bool is_right = std::isnan(expected) ? std::isnan(found) : found == expected;
    if (!run.check.that(is_right, "row {} column {}: got {}, expected {}", row, c, found, expected)) return false;
  }
  return true;
}

void rating_step_draws(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 300, kRatings = 257;
  for (const std::uint32_t dim : run.dims) {
    const Checker::Scope scope("dim {}", dim);
    const HostTable users = table_of_quarters(run, kRows, dim, type), items = table_of_quarters(run, kRows, dim, type);
    const TestTable user_factors(run.backend, users, OptimizerKind::kSgd);
    const TestTable item_factors(run.backend, items, OptimizerKind::kSgd);
    HostBatch batch{distinct_rows(run.random, kRows, kRatings), distinct_rows(run.random, kRows, kRatings), {}};
    for (std::uint64_t n = 0; n < kRatings; ++n) batch.ratings.push_back(static_cast<float>(run.random() % 9));
    const TestBatch device(run.backend, batch);
    RatingLoss loss;
    loss.use_bias = false;
    const GuardedArray<float> no_bias(run.backend, std::vector<float>(kRows));
    const ParameterView bias{MatrixView<float>{no_bias.data(), kRows, 1, 1}, nullptr, nullptr, nullptr};
    const GuardedArray<double> error(run.backend, std::vector<double>{0});
    run_rating_step(run.backend, {user_factors.view(), item_factors.view(), bias, bias}, device.view(), loss,
                    exact_step(), error.data());
    const std::vector<float> p = user_factors.weights(), q = item_factors.weights();
    for (std::uint64_t n = 0; n < kRatings; ++n) {
      const Row user = batch.users[n], item = batch.items[n];
      float by_score = -batch.ratings[n];
      for (std::uint32_t c = 0; c < dim; ++c) by_score += users.at(user, c) * items.at(item, c);
      std::vector<float> user_gradient(dim), item_gradient(dim);
      for (std::uint32_t c = 0; c < dim; ++c) {
        user_gradient[c] = by_score * items.at(item, c);
        item_gradient[c] = by_score * users.at(user, c);
      }
      if (!expect_row(run, users, p, user, 2 * n, user_gradient)) return;
      if (!expect_row(run, items, q, item, 2 * n + 1, item_gradient)) return;
    }
  }
}

// Runs update_rows once on every row with its row of `gradient`.
std::vector<float> updated_once(CheckRun& run, const HostTable& start, const HostTable& gradient,
                                const OptimizerStep& step) {
  const TestTable table(run.backend, start, OptimizerKind::kSgd);
  std::vector<Row> rows(start.rows);
  std::iota(rows.begin(), rows.end(), Row{0});
  const GuardedArray<Row> device_rows(run.backend, rows);
  const GuardedArray<float> device_gradient(run.backend, gradient.values);
  const TestSort sort(run.backend, device_rows.data(), rows.size(), start.rows);
  run_op(run.backend, UpdateRows{.table = table.view(),
                                 .sorted = sort.view(),
                                 .gradient = {MatrixView<const float>{device_gradient.data(), rows.size(),
                                                                      gradient.cols, gradient.stride}},
                                 .step = step});
  return table.weights();
}

void update_rows_draws(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 300;
  for (const std::uint32_t dim : run.dims) {
    const Checker::Scope scope("dim {}", dim);
    const HostTable start = table_of_quarters(run, kRows, dim, type);
    HostTable gradient = random_table(run.random, kRows, dim, start.stride, 100);
    for (float& value : gradient.values) value = std::round(8 * value) / 8;
    const std::vector<float> got = updated_once(run, start, gradient, exact_step());
    for (Row row = 0; row < kRows; ++row) {
      const float* const of_row = gradient.view().row(row);
      if (!expect_row(run, start, got, row, 2 * std::uint64_t{row}, {of_row, of_row + dim})) return;
    }
  }
}

// Steps to NaN, infinity and past the largest float16, one or several in a row: rounded as every other element of the
// row, each by itself.
void what_is_no_number_is_stored(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 60;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kSteps[] = {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 0x1p27f, -0x1p27f};
  for (const std::uint32_t dim : run.dims) {
    const Checker::Scope scope("dim {}", dim);
    const HostTable start = table_of_quarters(run, kRows, dim, type);
    HostTable gradient = random_table(run.random, kRows, dim, start.stride, 100);
    for (float& value : gradient.values) value = std::round(8 * value) / 8;
    for (Row row = 0; row < kRows; ++row)
      for (std::size_t n = 0; n < row % 4; ++n)
        gradient.at(row, run.random() % dim) = kSteps[(row + n) % std::size(kSteps)];
    const std::vector<float> got = updated_once(run, start, gradient, exact_step());
    for (Row row = 0; row < kRows; ++row) {
      const float* const of_row = gradient.view().row(row);
      if (!expect_row(run, start, got, row, 2 * std::uint64_t{row}, {of_row, of_row + dim})) return;
    }
  }
}

void small_updates_survive(CheckRun& run, TableType type) {
  constexpr std::uint32_t kDim = 33;
  constexpr std::uint64_t kRows = 512;
  const std::uint64_t n_keys = run.thorough ? 8 : 2;
  // Every row alike: weights of both signs and many magnitudes, steps of some tenths of a quantum.
  HostTable start(kRows, kDim, run.backend.row_stride(kDim, type), type);
  HostTable gradient(kRows, kDim, start.stride);
  for (std::uint64_t r = 0; r < kRows; ++r) {
    for (std::uint32_t c = 0; c < kDim; ++c) {
      start.at(r, c) = std::ldexp(c % 2 == 0 ? 1.25f : -1.25f, 2 - static_cast<int>(2 * c / 3));
      const auto quantum = static_cast<float>(element_quantum(static_cast<double>(start.at(r, c)), type));
      gradient.at(r, c) = quantum * (0.15f + 0.02f * static_cast<float>(c)) * (c % 3 == 0 ? 1.0f : -1.0f);
    }
  }
  OptimizerStep step = exact_step();
  step.learning_rate = 1;
  std::vector<double> sum(kDim);
  for (std::uint64_t key = 0; key < n_keys; ++key) {
    step.rounding_key = kKey + key;
    const std::vector<float> got = updated_once(run, start, gradient, step);
    for (std::uint64_t r = 0; r < kRows; ++r)
      for (std::uint32_t c = 0; c < kDim; ++c) sum[c] += static_cast<double>(got[r * start.stride + c]);
  }
  const auto n = static_cast<double>(n_keys * kRows);
  for (std::uint32_t c = 0; c < kDim; ++c) {
    const Bounded exact = Bounded(start.at(0, c)) - Bounded(gradient.at(0, c));
    // Hoeffding, JASA 1963: the mean of n draws from an interval of one quantum is farther off once in 10^12.
    const double spread = element_quantum(exact.value, type) * std::sqrt(std::log(2e12) / (2 * n));
    // float16 rounds to a multiple of 2^-37 first where the result is subnormal.
    run.check.near(sum[c] / n, {exact.value, exact.error + spread + 0x1p-38}, "mean of column {}", c);
  }
}

}  // namespace

void rating_step_draws_the_documented_bits(CheckRun& run) { in_16_bits<rating_step_draws>(run); }
void update_rows_draws_the_documented_bits(CheckRun& run) { in_16_bits<update_rows_draws>(run); }
void update_rows_stores_what_is_no_number(CheckRun& run) { in_16_bits<what_is_no_number_is_stored>(run); }
void update_rows_keeps_small_updates_on_average(CheckRun& run) { in_16_bits<small_updates_survive>(run); }

}  // namespace unfold::selfcheck
