// Inputs for checks of ops: random tables, arrays in a backend's memory with guards around them, and models in both
// places. Everything is drawn from a seed.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "host/selfcheck/checks.hpp"
#include "host/selfcheck/op_reference.hpp"
#include "unfold/backend.hpp"

namespace unfold::selfcheck {

inline bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }
inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

// An array in a backend's memory with guard words before and after it, full of 0xFF (NaN) at birth. Its destructor
// tells the current Checker where a guard has changed.
template <typename T>
class GuardedArray {
 public:
  GuardedArray(Backend& backend, std::uint64_t size) : size_(size), memory_(backend, size + 2 * kGuard) {
    std::vector<T> fill(size + 2 * kGuard);
    std::memset(static_cast<void*>(fill.data()), 0xFF, fill.size() * sizeof(T));
    memory_.upload(fill);
  }
  GuardedArray(Backend& backend, const std::vector<T>& values) : GuardedArray(backend, values.size()) {
    std::vector<T> all = all_values();
    std::copy(values.begin(), values.end(), all.begin() + kGuard);
    memory_.upload(all);
  }
  GuardedArray(GuardedArray&&) = default;
  ~GuardedArray() {
    if (memory_.data() == nullptr) return;
    const std::vector<T> all = all_values();
    std::vector<T> intact(kGuard);
    std::memset(static_cast<void*>(intact.data()), 0xFF, kGuard * sizeof(T));
    Checker::current().that(std::memcmp(all.data(), intact.data(), kGuard * sizeof(T)) == 0, "written before an array");
    Checker::current().that(std::memcmp(all.data() + kGuard + size_, intact.data(), kGuard * sizeof(T)) == 0,
                            "written past an array");
  }

  T* data() const { return memory_.data() + kGuard; }
  std::uint64_t size() const { return size_; }
  std::vector<T> download() const {
    const std::vector<T> all = all_values();
    return {all.begin() + kGuard, all.end() - kGuard};
  }

 private:
  static constexpr std::ptrdiff_t kGuard = 64;  // keeps the array as aligned as the allocation
  std::vector<T> all_values() const {
    std::vector<T> all(size_ + 2 * kGuard);
    memory_.download(all);
    return all;
  }
  std::uint64_t size_;
  DeviceArray<T> memory_;
};

// A matrix in host memory, as a backend wants it: columns past cols hold zero, and every value is one of the type's.
struct HostTable {
  std::uint64_t rows = 0;
  std::uint32_t cols = 0, stride = 0;
  TableType type = TableType::kFloat32;
  std::vector<float> values;

  HostTable(std::uint64_t n_rows, std::uint32_t n_cols, std::uint32_t row_stride,
            TableType table_type = TableType::kFloat32)
      : rows(n_rows), cols(n_cols), stride(row_stride), type(table_type), values(n_rows * row_stride) {}
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> out(values.size() * element_bytes(type));
    with_element(type, [&]<typename Element>() {
      for (std::size_t k = 0; k < values.size(); ++k) {
        const Element element = round_nearest<Element>(values[k]);
        std::memcpy(&out[k * sizeof(Element)], &element, sizeof(Element));
      }
    });
    return out;
  }
  MatrixView<const float> view() const { return {values.data(), rows, cols, stride}; }
  float& at(std::uint64_t r, std::uint32_t c) { return values[r * stride + c]; }
  float at(std::uint64_t r, std::uint32_t c) const { return values[r * stride + c]; }
};

// The float32 values of elements of `type`.
inline std::vector<float> float_values(const std::vector<std::byte>& bytes, TableType type) {
  std::vector<float> out(bytes.size() / element_bytes(type));
  with_element(type, [&]<typename Element>() {
    for (std::size_t k = 0; k < out.size(); ++k) {
      Element element;
      std::memcpy(&element, &bytes[k * sizeof(Element)], sizeof(Element));
      out[k] = to_float(element);
    }
  });
  return out;
}

template <typename Random>
HostTable random_table(Random& random, std::uint64_t rows, std::uint32_t cols, std::uint32_t stride, float scale = 1,
                       TableType type = TableType::kFloat32) {
  HostTable table(rows, cols, stride, type);
  std::uniform_real_distribution<float> draw(-scale, scale);
  for (std::uint64_t r = 0; r < rows; ++r)
    for (std::uint32_t c = 0; c < cols; ++c) table.at(r, c) = draw(random);
  table.values = float_values(table.bytes(), type);
  return table;
}

// A trainable table in a backend's memory and the reference beside it.
class TestTable {
 public:
  TestTable(Backend& backend, const HostTable& start, OptimizerKind kind)
      : reference(reference_table(start.view(), kind)),
        start_(start),
        kind_(kind),
        weight_(backend, start.bytes()),
        first_(backend, zeros<float>(size().first)),
        second_(backend, zeros<float>(size().second)),
        steps_(backend, zeros<std::uint32_t>(size().steps)) {}

  ParameterView view() const {
    return {{weight_.data(), start_.rows, start_.cols, start_.stride, start_.type},
            first_.data(),
            second_.data(),
            steps_.data()};
  }
  std::vector<float> weights() const { return float_values(weight_.download(), start_.type); }

  // The backend's weights and state against the reference's; padding must be zero. A weight of 16 bits may be either
  // neighbour of any float32 result within the reference's bound.
  void expect_equal(const char* name) const {
    const Checker::Scope scope(name);
    std::vector<Bounded> stored = reference.weight;
    for (Bounded& weight : stored) weight = neighbours(weight, start_.type);
    expect_matrix("weight", weights(), stored);
    if (kind_ == OptimizerKind::kRowwiseAdagrad) {
      const std::vector<float> first = first_.download();
      for (std::uint64_t r = 0; r < start_.rows; ++r)
        Checker::current().near(first[r], reference.first[r], "row {}", r);
    } else if (!reference.first.empty()) {
      expect_matrix("first", first_.download(), reference.first);
    }
    if (!reference.second.empty()) expect_matrix("second", second_.download(), reference.second);
    Checker::current().that(steps_.download() == reference.steps, "numbers of updates differ");
  }

  // Lets the reference go on from the weights that were stored, where they were rounded.
  void adopt_rounded_weights() {
    if (start_.type == TableType::kFloat32) return;
    const std::vector<float> got = weights();
    for (std::uint64_t r = 0; r < start_.rows; ++r)
      for (std::uint32_t c = 0; c < start_.cols; ++c)
        reference.at(r, c) = Bounded(static_cast<double>(got[r * start_.stride + c]));
  }

  ReferenceTable reference;

 private:
  template <typename T>
  static std::vector<T> zeros(std::uint64_t n) {
    return std::vector<T>(n);
  }
  OptimizerStateSize size() const { return optimizer_state_size(kind_, start_.rows, start_.stride); }
  void expect_matrix(const char* what, const std::vector<float>& got, const std::vector<Bounded>& expected) const {
    // A bound that says nothing must stay the exception.
    const auto unbounded =
        std::count_if(expected.begin(), expected.end(), [](Bounded b) { return std::isinf(b.error); });
    Checker& check = Checker::current();
    check.that(static_cast<double>(unbounded) <= 0.01 * static_cast<double>(expected.size()),
               "{}: the reference bounds too few values", what);
    for (std::uint64_t r = 0; r < start_.rows; ++r) {
      for (std::uint32_t c = 0; c < start_.stride; ++c) {
        const float value = got[r * start_.stride + c];
        if (c < start_.cols) {
          if (!check.near(value, expected[r * start_.cols + c], "{} row {} column {}", what, r, c)) return;
        } else if (!check.that(value == 0.0f, "{} row {}: padding column {} is {}", what, r, c, value)) {
          return;
        }
      }
    }
  }

  HostTable start_;
  OptimizerKind kind_;
  GuardedArray<std::byte> weight_;
  GuardedArray<float> first_, second_;
  GuardedArray<std::uint32_t> steps_;
};

// Biased matrix factorization in a backend's memory and the reference beside it.
class TestModel {
 public:
  template <typename Random>
  TestModel(Backend& backend, Random& random, std::uint64_t n_users, std::uint64_t n_items, std::uint32_t dim,
            OptimizerKind kind, TableType type = TableType::kFloat32)
      : user_factors(backend, factors(backend, random, n_users, dim, type), kind),
        item_factors(backend, factors(backend, random, n_items, dim, type), kind),
        user_bias(backend, random_table(random, n_users, 1, 1), kind),
        item_bias(backend, random_table(random, n_items, 1, 1), kind) {}

  MfParameters parameters() const {
    return {user_factors.view(), item_factors.view(), user_bias.view(), item_bias.view()};
  }
  ReferenceMf reference() const {
    return {user_factors.reference, item_factors.reference, user_bias.reference, item_bias.reference};
  }
  void set_reference(const ReferenceMf& mf) {
    user_factors.reference = mf.user_factors;
    item_factors.reference = mf.item_factors;
    user_bias.reference = mf.user_bias;
    item_bias.reference = mf.item_bias;
  }
  void adopt_rounded_weights() {
    user_factors.adopt_rounded_weights();
    item_factors.adopt_rounded_weights();
  }
  void expect_equal() const {
    user_factors.expect_equal("user factors");
    item_factors.expect_equal("item factors");
    user_bias.expect_equal("user bias");
    item_bias.expect_equal("item bias");
  }

  TestTable user_factors, item_factors, user_bias, item_bias;

 private:
  // Of scores around 1, where a range does not saturate.
  template <typename Random>
  static HostTable factors(const Backend& backend, Random& random, std::uint64_t rows, std::uint32_t dim,
                           TableType type) {
    const float scale = std::sqrt(3.0f / std::sqrt(static_cast<float>(dim)));
    return random_table(random, rows, dim, backend.row_stride(dim, type), scale, type);
  }
};

// A batch in a backend's memory.
struct TestBatch {
  TestBatch(Backend& backend, const HostBatch& batch)
      : users(backend, batch.users), items(backend, batch.items), ratings(backend, batch.ratings) {}
  RatingBatch view() const { return {users.data(), items.data(), ratings.data(), users.size()}; }
  GuardedArray<Row> users, items;
  GuardedArray<float> ratings;
};

// An op with a guarded workspace of just the size that it asks for, and `extra_bytes`.
template <typename Op>
void run_op(Backend& backend, const Op& op, std::uint64_t extra_bytes = 0) {
  const GuardedArray<std::byte> workspace(backend, backend.workspace_bytes(op) + extra_bytes);
  backend.run(op, {workspace.data(), workspace.size()});
}

// Rows in the backend's memory, sorted by SortRows.
class TestSort {
 public:
  TestSort(Backend& backend, const Row* rows, std::uint64_t n, std::uint64_t n_table_rows)
      : rows_(backend, n), order_(backend, n), starts_(backend, n), n_segments_(backend, 1), n_(n) {
    run_op(backend, SortRows{.rows = rows, .n_rows = n, .n_table_rows = n_table_rows, .sorted = view()});
  }
  SortedRows view() const { return {rows_.data(), order_.data(), starts_.data(), n_segments_.data(), n_}; }

  std::vector<Row> rows() const { return rows_.download(); }
  std::vector<std::uint32_t> order() const { return order_.download(); }
  std::vector<std::uint32_t> starts() const {
    std::vector<std::uint32_t> starts = starts_.download();
    starts.resize(std::min<std::size_t>(starts.size(), n_segments_.download()[0]));
    return starts;
  }

 private:
  GuardedArray<Row> rows_;
  GuardedArray<std::uint32_t> order_, starts_, n_segments_;
  std::uint64_t n_;
};

inline void run_rating_step(Backend& backend, const MfParameters& parameters, const RatingBatch& batch,
                            const RatingLoss& loss, const OptimizerStep& step, double* squared_error) {
  run_op(
      backend,
      RatingStep{.parameters = parameters, .batch = batch, .loss = loss, .step = step, .squared_error = squared_error});
}

// n distinct rows below n_rows in random order, the last row among them.
template <typename Random>
std::vector<Row> distinct_rows(Random& random, std::uint64_t n_rows, std::uint64_t n) {
  std::vector<Row> rows(n_rows);
  std::iota(rows.begin(), rows.end(), Row{0});
  std::shuffle(rows.begin(), rows.end() - 1, random);
  std::swap(rows[0], rows.back());
  rows.resize(n);
  return rows;
}

inline constexpr OptimizerKind kKinds[] = {OptimizerKind::kSgd, OptimizerKind::kAdagrad, OptimizerKind::kRowwiseAdagrad,
                                           OptimizerKind::kAdam};
inline constexpr TableType kRoundedTypes[] = {TableType::kFloat16, TableType::kBfloat16};
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

inline OptimizerStep step_of(OptimizerKind kind) {
  OptimizerStep step;
  step.kind = kind;
  step.rounding_key = 0x243F6A8885A308D3u;
  return step;
}

inline RatingLoss loss_of(bool use_bias, bool has_range) {
  RatingLoss loss;
  loss.link.mean = 0.25f;
  loss.link.scale = 1.5f;
  loss.link.has_range = has_range;
  loss.link.low = 0.5f;
  loss.link.high = 5.5f;
  loss.inverse_variance = 0.4f;
  loss.l2 = 0.02f;
  loss.l2_bias = 0.03f;
  loss.use_bias = use_bias;
  return loss;
}

inline HostBatch random_batch(std::mt19937_64& random, const std::vector<Row>& users, const std::vector<Row>& items) {
  HostBatch batch{users, items, {}};
  std::uniform_real_distribution<float> rating(1, 5);
  for (std::size_t n = 0; n < users.size(); ++n) batch.ratings.push_back(rating(random));
  return batch;
}

inline std::vector<Row> random_rows(std::mt19937_64& random, std::uint64_t n_rows, std::uint64_t n) {
  std::vector<Row> rows(n);
  for (Row& row : rows) row = static_cast<Row>(random() % n_rows);
  if (n > 0) rows[n / 2] = static_cast<Row>(n_rows - 1);
  return rows;
}

// Few rows, and one that comes several times as often as a backend sums at a time.
inline std::vector<Row> rows_with_a_long_one(std::mt19937_64& random, std::uint64_t n_rows) {
  std::vector<Row> rows = random_rows(random, n_rows, 300);
  rows.insert(rows.end(), 300, 5);
  std::shuffle(rows.begin(), rows.end(), random);
  return rows;
}

// Rows of which some come about as often as a backend sums at a time, or a multiple of that.
inline std::vector<Row> skewed_rows(std::mt19937_64& random, std::uint64_t n_rows) {
  std::vector<Row> rows = random_rows(random, n_rows, 100);
  const std::uint64_t lengths[] = {256, 128, 129, 257, 127, 255, 1300};
  for (Row r = 0; r < std::size(lengths); ++r) rows.insert(rows.end(), lengths[r], 2 * r + 1);
  std::shuffle(rows.begin(), rows.end(), random);
  return rows;
}

}  // namespace unfold::selfcheck
