// Gathers rows of a table. A row is one memcpy: the C library's is vectorised with run-time dispatch.
#include <cstring>

#include "host/ops/ops.hpp"

namespace unfold::cpu {

void lookup_rows(const ConstTableView& table, const Row* rows, std::uint64_t n_rows, MatrixView<float> out,
                 int n_threads) {
  const std::size_t row_bytes = sizeof(float) * table.cols;
  const std::size_t padding_bytes = sizeof(float) * (out.stride - table.cols);
#pragma omp parallel for num_threads(threads_for(n_rows, n_threads)) schedule(static)
  for (std::uint64_t n = 0; n < n_rows; ++n) {
    float* to = out.row(n);
    std::memcpy(to, table.as<const float>().row(rows[n]), row_bytes);
    std::memset(to + table.cols, 0, padding_bytes);
  }
}

}  // namespace unfold::cpu
