// How trainable tables begin, and how they come back to the host.
#include "host/tables/parameter_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/ops/parity.hpp"
#include "unfold/float16.hpp"

namespace unfold {
namespace {

constexpr OptimizerKind kKinds[] = {OptimizerKind::kSgd, OptimizerKind::kAdagrad, OptimizerKind::kRowwiseAdagrad,
                                    OptimizerKind::kAdam};
constexpr std::uint64_t kTableSeed = 5;
constexpr double kInitStd = 0.7;

// Element [row, col] of a table of `cols` columns that was trained on, by the definition.
float initial_weight(Row row, std::uint32_t col, std::uint32_t cols) {
  const RandomBlock random = random_block(kTableSeed, RandomPurpose::kInitItem, col / 4 * 4, row);
  const auto half_width = static_cast<float>(kInitStd * std::sqrt(3.0 / cols));
  return half_width * (2.0f * uniform_float(random.v[col % 4]) - 1.0f);
}

class ParameterTables : public test::BackendParity {
 protected:
  // A table of 9 rows, some of which occur in the data.
  ParameterTable initialized(std::uint32_t cols, TableType type, OptimizerKind kind = OptimizerKind::kAdam) {
    ParameterTable table(Arena(backend()), "item.embedding", 9, cols, type, kind);
    table.initialize(backend(), trained_, kInitStd, kTableSeed, RandomPurpose::kInitItem);
    return table;
  }
  bool is_trained(Row row) const { return std::ranges::find(trained_, row) != trained_.end(); }
  template <typename T>
  std::vector<T> on_host(const void* data, std::uint64_t n) {
    std::vector<T> values(n);
    backend().copy_to_host(values.data(), data, n * sizeof(T));
    return values;
  }

  std::vector<Row> trained_ = {4, 0, 4, 8, 5};
};

template <typename Element>
void expect_initial(const Tensor& tensor, auto&& is_trained) {
  for (Row row = 0; row < tensor.rows(); ++row) {
    for (std::uint32_t k = 0; k < tensor.cols(); ++k) {
      const float weight = initial_weight(row, k, static_cast<std::uint32_t>(tensor.cols()));
      EXPECT_EQ(tensor.row(row)[k], is_trained(row) ? to_float(round_nearest<Element>(weight)) : 0.0f)
          << row << ' ' << k;
    }
  }
}

TEST_P(ParameterTables, RowsThatOccurAreDrawnAndTheOthersAreZero) {
  for (const std::uint32_t cols : {1u, 4u, 6u, 17u}) {
    for (const TableType type : {TableType::kFloat32, TableType::kFloat16, TableType::kBfloat16}) {
      SCOPED_TRACE(std::string(table_type_name(type)) + ", columns: " + std::to_string(cols));
      TensorSet tensors;
      const ParameterTable table = initialized(cols, type);
      const Tensor& tensor = table.download(backend(), tensors);
      EXPECT_EQ(&tensor, &tensors.at("item.embedding"));
      EXPECT_EQ(tensor.shape, (std::vector<std::uint64_t>{9, cols}));
      EXPECT_EQ(table.host_bytes(), sizeof(float) * tensor.data.size());
      const auto occurs = [this](Row row) { return is_trained(row); };
      if (type == TableType::kFloat32) expect_initial<float>(tensor, occurs);
      if (type == TableType::kFloat16) expect_initial<Float16>(tensor, occurs);
      if (type == TableType::kBfloat16) expect_initial<Bfloat16>(tensor, occurs);
    }
  }
}

// Ops read whole rows, so padding that is not zero would be scored.
TEST_P(ParameterTables, PaddingAndStateBeginAtZero) {
  for (const OptimizerKind kind : kKinds) {
    const ParameterTable table = initialized(5, TableType::kFloat32, kind);
    const ParameterView& view = table.view();
    const std::uint32_t stride = view.weight.stride;
    ASSERT_EQ(stride, backend().row_stride(5, TableType::kFloat32));
    const std::vector<float> weights = on_host<float>(view.weight.data, 9ull * stride);
    for (Row row = 0; row < 9; ++row) {
      for (std::uint32_t k = 5; k < stride; ++k) EXPECT_EQ(weights[row * stride + k], 0.0f) << row << ' ' << k;
    }
    const OptimizerStateSize size = optimizer_state_size(kind, 9, stride);
    EXPECT_EQ(view.first != nullptr, size.first > 0);
    EXPECT_EQ(view.second != nullptr, size.second > 0);
    EXPECT_EQ(view.steps != nullptr, size.steps > 0);
    EXPECT_EQ(on_host<float>(view.first, size.first), std::vector<float>(size.first));
    EXPECT_EQ(on_host<float>(view.second, size.second), std::vector<float>(size.second));
    EXPECT_EQ(on_host<std::uint32_t>(view.steps, size.steps), std::vector<std::uint32_t>(size.steps));
  }
}

TEST_P(ParameterTables, ArePlannedToTheByte) {
  for (const OptimizerKind kind : kKinds) {
    for (const TableType type : {TableType::kFloat32, TableType::kFloat16}) {
      MemoryPlan plan;
      const ParameterTable planned(Arena(backend(), plan), "user.embedding", 9, 5, type, kind);
      EXPECT_EQ(planned.view().weight.data, nullptr);
      EXPECT_EQ(planned.host_bytes(), 9u * 5 * sizeof(float));
      const std::uint64_t before = backend().allocated_bytes();
      const ParameterTable made(Arena(backend()), "user.embedding", 9, 5, type, kind);
      EXPECT_EQ(backend().allocated_bytes() - before, plan.backend_bytes());
    }
  }
}

TEST_P(ParameterTables, AVectorIsAColumnWithoutPadding) {
  const ParameterTable table = ParameterTable::vector(Arena(backend()), "item.bias", 9, OptimizerKind::kAdagrad);
  const TableView& weight = table.view().weight;
  EXPECT_EQ(weight.rows, 9u);
  EXPECT_EQ(weight.cols, 1u);
  EXPECT_EQ(weight.stride, 1u);
  EXPECT_EQ(table.host_bytes(), 9 * sizeof(float));
  const std::vector<float> values = {1, -2, 3, 0, 5, 6, -7, 8, 9};
  backend().copy_to_device(weight.data, values.data(), sizeof(float) * values.size());
  TensorSet tensors;
  tensors["item.embedding"] = Tensor::zeros({2});
  table.download(backend(), tensors);
  EXPECT_EQ(tensors.at("item.bias").shape, std::vector<std::uint64_t>{9});
  EXPECT_EQ(tensors.at("item.bias").data, values);
  EXPECT_EQ(tensors.at("item.embedding").data, std::vector<float>(2)) << "another table's tensor";
}

UNFOLD_FOR_EVERY_BACKEND(ParameterTables);

// More rows than are initialized at once.
TEST(ParameterTable, IsDrawnAlikeHoweverManyRowsItHas) {
  constexpr std::uint64_t kRows = 150'000;
  constexpr std::uint32_t kCols = 4;
  const auto backend = make_cpu_backend(2);
  std::vector<Row> trained;
  for (Row row = 0; row < kRows; row += 3) trained.push_back(row);
  const ParameterTable table(Arena(*backend), "t", kRows, kCols, TableType::kFloat32, OptimizerKind::kSgd);
  table.initialize(*backend, trained, kInitStd, kTableSeed, RandomPurpose::kInitItem);
  TensorSet tensors;
  const Tensor& tensor = table.download(*backend, tensors);
  double sum = 0, squares = 0;
  for (Row row = 0; row < kRows; ++row) {
    for (std::uint32_t k = 0; k < kCols; ++k) {
      const float weight = tensor.row(row)[k];
      ASSERT_EQ(weight, row % 3 == 0 ? initial_weight(row, k, kCols) : 0.0f) << row << ' ' << k;
      sum += static_cast<double>(weight);
      squares += std::pow(static_cast<double>(weight), 2);
    }
  }
  // Six standard deviations of both estimates; a uniform number's square has 0.8 times its mean, squared, as variance.
  const double n = static_cast<double>(trained.size()) * kCols, variance = kInitStd * kInitStd / kCols;
  EXPECT_LT(std::abs(sum / n), 6 * std::sqrt(variance / n));
  EXPECT_LT(std::abs(squares / n - variance), 6 * variance * std::sqrt(0.8 / n));
}

TEST(ParameterTable, SeedAndPurposeTellTablesApart) {
  const auto backend = make_cpu_backend(1);
  const std::vector<Row> trained = {0};
  const auto drawn = [&](std::uint64_t seed, RandomPurpose purpose) {
    const ParameterTable table(Arena(*backend), "t", 1, 4, TableType::kFloat32, OptimizerKind::kSgd);
    table.initialize(*backend, trained, kInitStd, seed, purpose);
    TensorSet tensors;
    return table.download(*backend, tensors).data;
  };
  const std::vector<float> items = drawn(1, RandomPurpose::kInitItem);
  EXPECT_EQ(drawn(1, RandomPurpose::kInitItem), items);
  EXPECT_NE(drawn(1, RandomPurpose::kInitUser), items);
  EXPECT_NE(drawn(2, RandomPurpose::kInitItem), items);
}

}  // namespace
}  // namespace unfold
