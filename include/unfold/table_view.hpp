// A table of embeddings whose element type is known at run time: float32, or 16 bits with float32 arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "unfold/float16.hpp"
#include "unfold/host_device.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold {

enum class TableType : std::uint8_t { kFloat32, kFloat16, kBfloat16 };

UNFOLD_HOST_DEVICE inline std::uint64_t element_bytes(TableType type) { return type == TableType::kFloat32 ? 4 : 2; }

// "float32", "float16" or "bfloat16".
inline const char* table_type_name(TableType type) {
  switch (type) {
    case TableType::kFloat16:
      return "float16";
    case TableType::kBfloat16:
      return "bfloat16";
    case TableType::kFloat32:
      break;
  }
  return "float32";
}

template <typename T>
inline constexpr TableType kTableTypeOf = TableType::kFloat32;
template <>
inline constexpr TableType kTableTypeOf<Float16> = TableType::kFloat16;
template <>
inline constexpr TableType kTableTypeOf<Bfloat16> = TableType::kBfloat16;

// As MatrixView, with `type` saying what `data` points to. Void is void or const void.
template <typename Void>
struct BasicTableView {
  Void* data = nullptr;      // [rows, stride], row-major
  std::uint64_t rows = 0;    //
  std::uint32_t cols = 0;    // columns in use
  std::uint32_t stride = 0;  // elements from one row to the next, >= cols; columns past cols hold zero
  TableType type = TableType::kFloat32;

  BasicTableView() = default;
  UNFOLD_HOST_DEVICE BasicTableView(Void* d, std::uint64_t r, std::uint32_t c, std::uint32_t s, TableType t)
      : data(d), rows(r), cols(c), stride(s), type(t) {}
  template <typename T>
  UNFOLD_HOST_DEVICE BasicTableView(const MatrixView<T>& matrix)
      : BasicTableView(matrix.data, matrix.rows, matrix.cols, matrix.stride, kTableTypeOf<std::remove_const_t<T>>) {}
  operator BasicTableView<const void>() const { return {data, rows, cols, stride, type}; }

  std::uint64_t row_bytes() const { return stride * element_bytes(type); }
  std::uint64_t bytes() const { return rows * row_bytes(); }

  // The same table with its element type, which must be `type`.
  template <typename T>
  UNFOLD_HOST_DEVICE MatrixView<T> as() const {
    return {static_cast<T*>(data), rows, cols, stride};
  }
};
using TableView = BasicTableView<void>;
using ConstTableView = BasicTableView<const void>;

// Calls visit.template operator()<Element>() with float, Float16 or Bfloat16.
template <typename Visit>
decltype(auto) with_element(TableType type, Visit&& visit) {
  switch (type) {
    case TableType::kFloat16:
      return visit.template operator()<Float16>();
    case TableType::kBfloat16:
      return visit.template operator()<Bfloat16>();
    case TableType::kFloat32:
      break;
  }
  return visit.template operator()<float>();
}

}  // namespace unfold
