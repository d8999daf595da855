// The op that looks for infinities and NaN, in tables that hold some at any place.
#include <limits>

#include "host/selfcheck/op_inputs.hpp"

namespace unfold::selfcheck {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void expect_count(CheckRun& run, const HostTable& table, std::uint64_t before, std::uint64_t expected) {
  const GuardedArray<std::byte> elements(run.backend, table.bytes());
  const GuardedArray<std::uint64_t> count(run.backend, std::vector<std::uint64_t>{before});
  run_op(run.backend, CountNotFinite{.table = {elements.data(), table.rows, table.cols, table.stride, table.type},
                                     .count = count.data()});
  const std::uint64_t got = count.download()[0];
  run.check.that(got == before + expected, "{} rows: {} are not finite, {} were found", table.rows, expected,
                 got - before);
}

// None, one at the first place and at the last, one in each row, and all. What is finite has every size.
void count_not_finite_finds_each(CheckRun& run, TableType type) {
  const float largest = type == TableType::kFloat16 ? 65504.0f : std::numeric_limits<float>::max() / 512;
  for (const std::uint32_t dim : run.dims) {
    const Checker::Scope scope("dim {}", dim);
    for (const std::uint64_t n_rows : {1u, 67u, 3001u}) {
      const std::uint32_t stride = dim == 1 ? 1 : run.backend.row_stride(dim, type);  // as of a vector, or a matrix
      HostTable table = random_table(run.random, n_rows, dim, stride, largest, type);
      table.at(n_rows / 2, dim / 2) = -std::numeric_limits<float>::denorm_min();
      expect_count(run, table, 0, 0);
      HostTable one = table;
      one.at(0, 0) = kNan;
      expect_count(run, one, 5, 1);
      one = table;
      one.at(n_rows - 1, dim - 1) = -kInfinity;
      expect_count(run, one, 0, 1);
      for (std::uint64_t r = 0; r < n_rows; ++r)
        one.at(r, static_cast<std::uint32_t>(r % dim)) = r % 2 == 0 ? kInfinity : -kNan;
      expect_count(run, one, 1, n_rows + ((n_rows - 1) % dim == dim - 1 ? 0 : 1));
      std::ranges::fill(one.values, kNan);
      expect_count(run, one, 0, n_rows * stride);
    }
  }
}

void counts_in_float32(CheckRun& run) { count_not_finite_finds_each(run, TableType::kFloat32); }
void counts_in_16_bits(CheckRun& run) {
  count_not_finite_finds_each(run, TableType::kFloat16);
  count_not_finite_finds_each(run, TableType::kBfloat16);
}

void count_not_finite_takes_no_rows(CheckRun& run) {
  expect_count(run, HostTable(0, 3, run.backend.row_stride(3)), 7, 0);
}

constexpr OpCheck kFiniteChecks[] = {
    {"CountNotFiniteFindsEach", counts_in_float32},
    {"CountNotFiniteTakesNoRows", count_not_finite_takes_no_rows},
    {"CountNotFiniteReads16Bits", counts_in_16_bits},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<CountNotFinite>() {
  return kFiniteChecks;
}

}  // namespace unfold::selfcheck
