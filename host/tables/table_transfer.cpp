#include "host/tables/table_transfer.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

namespace unfold {
namespace {

// Rows of a staging buffer of about 4 MiB.
std::uint64_t rows_at_once(std::uint32_t stride) { return std::max<std::uint64_t>(1, (1u << 20) / stride); }

// Copies rows first_row .. of `table`, padding included, to `rows`.
void download_rows(Backend& backend, const ConstTableView& table, std::uint64_t first_row, std::span<float> rows) {
  with_element(table.type, [&]<typename Element>() {
    const Element* const from = table.as<const Element>().row(first_row);
    if constexpr (std::is_same_v<Element, float>) {
      backend.copy_to_host(rows.data(), from, rows.size_bytes());
    } else {
      std::vector<Element> elements(rows.size());
      backend.copy_to_host(elements.data(), from, sizeof(Element) * elements.size());
      std::ranges::transform(elements, rows.begin(), [](Element x) { return to_float(x); });
    }
  });
}

}  // namespace

void upload_rows(Backend& backend, std::span<const float> rows, const TableView& table, std::uint64_t first_row) {
  with_element(table.type, [&]<typename Element>() {
    Element* const to = table.as<Element>().row(first_row);
    if constexpr (std::is_same_v<Element, float>) {
      backend.copy_to_device(to, rows.data(), rows.size_bytes());
    } else {
      std::vector<Element> elements(rows.size());
      std::ranges::transform(rows, elements.begin(), [](float x) { return round_nearest<Element>(x); });
      backend.copy_to_device(to, elements.data(), sizeof(Element) * elements.size());
    }
  });
}

void download_table(Backend& backend, const ConstTableView& table, Tensor& matrix) {
  matrix.shape = {table.rows, table.cols};
  matrix.data.resize(table.rows * table.cols);
  const std::uint64_t chunk = rows_at_once(table.stride);
  std::vector<float> staging;
  for (std::uint64_t first = 0; first < table.rows; first += chunk) {
    const std::uint64_t n = std::min(chunk, table.rows - first);
    if (table.stride == table.cols) {
      download_rows(backend, table, first, {&matrix.data[first * table.cols], n * table.cols});
      continue;
    }
    staging.resize(n * table.stride);
    download_rows(backend, table, first, staging);
    for (std::uint64_t r = 0; r < n; ++r) {
      std::memcpy(&matrix.data[(first + r) * table.cols], &staging[r * table.stride], sizeof(float) * table.cols);
    }
  }
}

void upload_table(Backend& backend, const Tensor& matrix, const TableView& table) {
  const std::uint64_t chunk = rows_at_once(table.stride);
  std::vector<float> staging;
  for (std::uint64_t first = 0; first < table.rows; first += chunk) {
    const std::uint64_t n = std::min(chunk, table.rows - first);
    if (table.stride == table.cols) {
      upload_rows(backend, {&matrix.data[first * table.cols], n * table.cols}, table, first);
      continue;
    }
    staging.assign(n * table.stride, 0.0f);
    for (std::uint64_t r = 0; r < n; ++r) {
      std::memcpy(&staging[r * table.stride], &matrix.data[(first + r) * table.cols], sizeof(float) * table.cols);
    }
    upload_rows(backend, staging, table, first);
  }
}

}  // namespace unfold
