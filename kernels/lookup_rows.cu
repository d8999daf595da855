#include "kernels/lookup_rows.cuh"
#include "kernels/ops.hpp"

namespace unfold::cuda {
namespace {

bool takes_vectors(const float* data, std::uint32_t stride) {
  return stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
}

template <int kWidth, int kPack>
void launch_lookup(const Launch& launch, MatrixView<const float> table, const Row* rows, std::uint64_t n_rows,
                   MatrixView<float> out) {
  constexpr std::uint64_t kRowsABlock = kLookupThreads / kWidth * kLookupRowsInFlight;
  const unsigned grid = filling_grid(launch, n_rows, kRowsABlock);
  launch_kernel<lookup_rows_kernel<kWidth, kPack>>(launch, {grid, kLookupThreads}, table, rows, n_rows, out);
}

}  // namespace

void lookup_rows(const Launch& launch, const ConstTableView& any_table, const Row* rows, std::uint64_t n_rows,
                 MatrixView<float> out) {
  if (n_rows == 0 || out.stride == 0) return;
  const MatrixView<const float> table = any_table.as<const float>();
  if (!takes_vectors(table.data, table.stride) || !takes_vectors(out.data, out.stride)) {
    return launch_lookup<32, 1>(launch, table, rows, n_rows, out);
  }
  if (out.stride <= 16) return launch_lookup<4, 4>(launch, table, rows, n_rows, out);
  if (out.stride <= 32) return launch_lookup<8, 4>(launch, table, rows, n_rows, out);
  if (out.stride <= 64) return launch_lookup<16, 4>(launch, table, rows, n_rows, out);
  launch_lookup<32, 4>(launch, table, rows, n_rows, out);
}

}  // namespace unfold::cuda
