// Gathers rows of a table, and makes them vectors. A row of float32 is one memcpy: the C library's is vectorised with
// run-time dispatch.
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/lookup_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/dropout-inl.hpp"
#include "host/ops/elements-inl.hpp"
#include "host/ops/ops.hpp"
#include "host/ops/prefetch.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

template <typename Element>
void convert_columns(const Element* HWY_RESTRICT from, std::size_t cols, float* HWY_RESTRICT to) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t k = 0;
  for (; k + lanes <= cols; k += lanes) hn::StoreU(load_floats(from + k), d, to + k);
  for (; k < cols; ++k) to[k] = to_float(from[k]);
}

// Row `row` of a 16-bit table as float32.
void convert_row(const ConstTableView& table, Row row, float* to) {
  if (table.type == TableType::kFloat16) return convert_columns(table.as<const Float16>().row(row), table.cols, to);
  convert_columns(table.as<const Bfloat16>().row(row), table.cols, to);
}

// Makes row n, of `stride` columns, the vector that is scored. Returns its scale.
float transform_row(const RowTransform& transform, std::uint64_t n, std::size_t stride, float* row) {
  if (transform.dropout > 0) drop_elements(transform, n, stride, row);
  if (!transform.normalize) return 1;
  const FloatTag d;
  const float scale = inverse_length(row_products<false>(row, row, stride).user_item);
  for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
    hn::Store(hn::Mul(hn::Load(d, row + k), hn::Set(d, scale)), d, row + k);
  }
  return scale;
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(convert_row);
HWY_EXPORT(transform_row);

void run(const LookupRows& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const ConstTableView& table = op.table;
  const Row* const rows = op.rows;
  const std::uint64_t n_rows = op.n_rows;
  const MatrixView<float> out = op.out;
  const bool is_transformed = op.transform.dropout > 0 || op.transform.normalize;
  const std::size_t row_bytes = sizeof(float) * table.cols;
  const std::size_t padding_bytes = sizeof(float) * (out.stride - table.cols);
  const std::uint64_t table_row_bytes = table.row_bytes(), ahead = rows_ahead(table_row_bytes);
  const char* const first_row = static_cast<const char*>(table.data);
  const auto look_up = [&](std::uint64_t n) {
    if (n + ahead < n_rows) prefetch(first_row + rows[n + ahead] * table_row_bytes, table_row_bytes);
    float* to = out.row(n);
    if (table.type == TableType::kFloat32) {
      std::memcpy(to, table.as<const float>().row(rows[n]), row_bytes);
    } else {
      HWY_DYNAMIC_DISPATCH(convert_row)(table, rows[n], to);
    }
    std::memset(to + table.cols, 0, padding_bytes);
    const float scale = is_transformed ? HWY_DYNAMIC_DISPATCH(transform_row)(op.transform, n, out.stride, to) : 1;
    if (op.scale != nullptr) op.scale[n] = scale;
    for (const RowNumbers& numbers : op.numbers) {
      if (numbers.table != nullptr) numbers.out[n] = numbers.table[rows[n]];
    }
  };
  for_rows(n_rows, out.stride, n_threads, [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n < last; ++n) look_up(n);
  });
}

}  // namespace unfold::cpu
#endif
