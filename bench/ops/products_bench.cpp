// The CPU's products of a softmax step, with warm caches: product_scores, product_query_gradients and
// product_negative_gradients of queries/negatives/dim/type, where type 2 is bfloat16. They run on --threads, in pieces
// as sampled_softmax has them. flops is 2 * queries * negatives * dim a product; bench/peers/torch_products.py
// compares.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "host/ops/softmax_products.hpp"
#include "host/threads/thread_pool.hpp"

namespace unfold::bench {
namespace {

class Products {
 public:
  explicit Products(const benchmark::State& state)
      : n_queries_(static_cast<std::uint64_t>(state.range(0))),
        n_(static_cast<std::uint64_t>(state.range(1))),
        queries_(n_queries_, static_cast<std::uint32_t>(state.range(2))),
        vectors_(n_, static_cast<std::uint32_t>(state.range(2))),
        query_gradient_(n_queries_, static_cast<std::uint32_t>(state.range(2))),
        negative_gradient_(n_, static_cast<std::uint32_t>(state.range(2))),
        weights_(n_queries_, static_cast<std::uint32_t>(cpu::round_up<std::uint64_t>(n_, cpu::kPanelWidth) + 16)) {
    shared_.vectors = matrix(vectors_);
    shared_.score_type = table_type(state.range(3));
    const MatrixView<float> queries = matrix(queries_);
    const std::uint64_t bytes = cpu::SoftmaxProducts::bytes(n_queries_, queries.cols, queries.stride, shared_);
    memory_ = DeviceArray<std::byte>(device(), bytes);
    cpu::WorkspaceCutter cutter({memory_.data(), bytes});
    products_ = cpu::SoftmaxProducts(cutter, queries, shared_, false);
    products_.pack(bench::threads());
  }

  void score() {
    const std::uint64_t n_padded = cpu::round_up<std::uint64_t>(n_, cpu::kPanelWidth);
    parallel_slices(n_queries_, cpu::SoftmaxProducts::kGroupQueries, bench::threads(),
                    [&](std::uint64_t first, std::uint64_t last) {
                      for (std::uint64_t j = 0; j < n_padded; j += cpu::kTileItems) {
                        const std::uint64_t n = std::min<std::uint64_t>(cpu::kTileItems, n_padded - j);
                        for (std::uint64_t q = first; q < last; q += products_.tile_queries()) {
                          products_.score(q, std::min(products_.tile_queries(), last - q), j, n, weight_row(q) + j,
                                          stride());
                        }
                      }
                    });
  }
  void add_query_gradients() {
    parallel_slices(n_queries_, cpu::SoftmaxProducts::kGroupQueries, bench::threads(),
                    [&](std::uint64_t first, std::uint64_t last) {
                      products_.add_query_gradients(last - first, weight_row(first), stride(),
                                                    matrix(query_gradient_).row(first));
                    });
  }
  void add_negative_gradients() {
    parallel_slices(
        n_, cpu::SoftmaxProducts::kGroupNegatives, bench::threads(), [&](std::uint64_t first, std::uint64_t last) {
          for (std::uint64_t q = 0; q < n_queries_; q += cpu::SoftmaxProducts::kStretchQueries) {
            products_.add_negative_gradients(q, std::min(cpu::SoftmaxProducts::kStretchQueries, n_queries_ - q),
                                             last - first, weight_row(q) + first, stride(),
                                             matrix(negative_gradient_).row(first));
          }
        });
  }

 private:
  static MatrixView<float> matrix(const Table& table) { return table.weight().as<float>(); }
  float* weight_row(std::uint64_t q) const { return matrix(weights_).row(q); }
  std::uint64_t stride() const { return weights_.weight().stride; }

  std::uint64_t n_queries_, n_;
  Table queries_, vectors_, query_gradient_, negative_gradient_, weights_;
  SharedNegatives shared_;
  DeviceArray<std::byte> memory_;
  cpu::SoftmaxProducts products_;
};

void time_product(benchmark::State& state, void (Products::*multiply)()) {
  Products products(state);
  for (auto _ : state) (products.*multiply)();
  state.counters["flops"] =
      benchmark::Counter(2.0 * static_cast<double>(state.range(0)) * static_cast<double>(state.range(1)) *
                             static_cast<double>(state.range(2)),
                         benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

void register_product_benchmarks() {
  if (is_cuda()) return;
  const auto float32 = static_cast<std::int64_t>(TableType::kFloat32);
  const auto bfloat16 = static_cast<std::int64_t>(TableType::kBfloat16);
  const auto add = [&](const char* name, void (Products::*multiply)()) {
    benchmark::RegisterBenchmark(name, [multiply](benchmark::State& state) { time_product(state, multiply); })
        ->ArgsProduct({{1024}, {512, 2048}, {32, 64, 128, 256}, {float32, bfloat16}})
        ->ArgNames({"queries", "negatives", "dim", "type"})
        ->UseRealTime();
  };
  add("product_scores", &Products::score);
  add("product_query_gradients", &Products::add_query_gradients);
  add("product_negative_gradients", &Products::add_negative_gradients);
}

}  // namespace unfold::bench
