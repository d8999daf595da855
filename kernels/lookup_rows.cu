#include "kernels/lookup_rows.cuh"

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {
namespace {

template <typename Element>
bool takes_packs(const MatrixView<const Element>& table, const MatrixView<float>& out, std::uint32_t pack) {
  return table.stride % pack == 0 && out.stride % pack == 0 &&
         reinterpret_cast<std::uintptr_t>(table.data) % (pack * sizeof(Element)) == 0 &&
         reinterpret_cast<std::uintptr_t>(out.data) % 16 == 0;
}

template <int kWidth, int kPack, typename Element>
void launch_lookup(const Launch& launch, MatrixView<const Element> table, const Row* rows, std::uint64_t n_rows,
                   MatrixView<float> out) {
  constexpr std::uint64_t kRowsABlock = kLookupThreads / kWidth * kLookupRowsInFlight;
  const unsigned grid = filling_grid(launch, n_rows, kRowsABlock);
  launch_kernel<lookup_rows_kernel<kWidth, kPack, Element>>(launch, {grid, kLookupThreads}, table, rows, n_rows, out);
}

// The fewest lanes that hold a row with one pack each.
template <int kPack, typename Element>
void launch_packs(const Launch& launch, MatrixView<const Element> table, const Row* rows, std::uint64_t n_rows,
                  MatrixView<float> out) {
  if (out.stride <= 4 * kPack) return launch_lookup<4, kPack>(launch, table, rows, n_rows, out);
  if (out.stride <= 8 * kPack) return launch_lookup<8, kPack>(launch, table, rows, n_rows, out);
  if (out.stride <= 16 * kPack) return launch_lookup<16, kPack>(launch, table, rows, n_rows, out);
  launch_lookup<32, kPack>(launch, table, rows, n_rows, out);
}

template <typename Element>
void launch_vectors(const Launch& launch, const LookupRows& op) {
  dispatch_shape<Element>(op.table.cols, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(launch, op.n_rows, kLookupThreads / Shape::kWidth);
    launch_kernel<look_up_vectors_kernel<Element, Shape>>(launch, {grid, kLookupThreads}, op);
  });
}

bool is_plain(const LookupRows& op) {
  return op.transform.dropout <= 0 && !op.transform.normalize && op.scale == nullptr &&
         op.numbers[0].table == nullptr && op.numbers[1].table == nullptr;
}

}  // namespace

void run(const Context& context, const LookupRows& op, std::span<std::byte> /*workspace*/) {
  if (op.n_rows == 0 || op.out.stride == 0) return;
  const Launch& launch = context.launch;
  if (!is_plain(op)) {
    check_vector_table("table", op.table);
    check_vector_table("out", op.out);
  }
  with_element(op.table.type, [&]<typename Element>() {
    if (!is_plain(op)) return launch_vectors<Element>(launch, op);
    const MatrixView<const Element> table = op.table.as<const Element>();
    if constexpr (sizeof(Element) == 2) {
      if (takes_packs(table, op.out, 8)) return launch_packs<8>(launch, table, op.rows, op.n_rows, op.out);
    } else {
      if (op.out.stride == 1) return launch_lookup<1, 1>(launch, table, op.rows, op.n_rows, op.out);
    }
    if (takes_packs(table, op.out, 4)) return launch_packs<4>(launch, table, op.rows, op.n_rows, op.out);
    launch_lookup<32, 1>(launch, table, op.rows, op.n_rows, op.out);
  });
}

}  // namespace unfold::cuda
