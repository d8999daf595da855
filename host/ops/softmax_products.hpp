// The three products of a softmax step: scores of queries by shared negatives, and with what the scores have become the
// gradients of either. In float32, or where SharedNegatives::score_type is bfloat16 of rounded factors: by a unit of
// the processor that multiplies them (bfloat16_products.hpp), else by products.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "host/ops/bfloat16_products.hpp"
#include "host/ops/products.hpp"
#include "host/ops/rank_tiles.hpp"
#include "host/ops/workspace_cutter.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cpu {

class SoftmaxProducts {
 public:
  SoftmaxProducts() = default;
  // The matrices have one stride. Without shared negatives there is nothing to multiply.
  // `sums_weights`: the caller adds up weights too, for the gradients of biases, which are of rounded ones.
  SoftmaxProducts(WorkspaceCutter& cutter, MatrixView<const float> queries, const SharedNegatives& shared,
                  bool sums_weights);
  static std::uint64_t bytes(std::uint64_t n_queries, std::uint32_t dim, std::uint32_t stride,
                             const SharedNegatives& shared);

  // Before all else.
  void pack(int n_threads) const;
  // Queries that are scored together at best.
  std::uint64_t tile_queries() const { return unit_ ? kQueriesTogether : kTileQueries; }
  // scores[q][j] of queries first_query + q, q < n_queries, and negatives first + j, j < n: whole panels, of which
  // `first` begins one. Those past the last negative get numbers too.
  void score(std::uint64_t first_query, std::uint64_t n_queries, std::uint64_t first, std::uint64_t n, float* scores,
             std::uint64_t stride) const;
  // A row of weights, which the two below multiply, once it is complete: rounds it where they or the gradients of
  // biases need it rounded.
  void finish_weights(float* row, std::uint64_t n) const;
  // out[q] += sum over negatives j < n of weights[q][j] * vector j.
  void add_query_gradients(std::uint64_t n_queries, const float* weights, std::uint64_t stride, float* out) const;
  // out[j] += sum over queries q < n_queries of weights[q][j] * query first_query + q, for j < n. first_query is a
  // multiple of kQueriesTogether.
  void add_negative_gradients(std::uint64_t first_query, std::uint64_t n_queries, std::uint64_t n, const float* weights,
                              std::uint64_t stride, float* out) const;

  static constexpr std::uint64_t kQueriesTogether = 32;
  // How a step cuts them into pieces: queries that share a stretch of packed negatives while it is in the caches, and
  // negatives, of whose scores a thread reads whole cache lines, that share a stretch of queries.
  static constexpr std::uint64_t kGroupQueries = 48, kGroupNegatives = 32, kStretchQueries = 128;
  static_assert(kStretchQueries % kQueriesTogether == 0);

 private:
  bool is_rounded() const { return rounded_queries_ != nullptr; }
  void round(int n_threads) const;

  MatrixView<const float> queries_, vectors_;  // as they are multiplied
  MatrixView<const float> given_queries_, given_vectors_;
  const float* bias_ = nullptr;
  std::optional<Bfloat16Unit> unit_;
  bool rounds_weights_ = false;
  float* rounded_queries_ = nullptr;  // [n_queries, stride], where factors are rounded without a unit
  float* rounded_vectors_ = nullptr;  // [n_shared, stride]
  std::byte* panels_ = nullptr;       // of negatives side by side
  // Of the vectors' columns side by side, and of the queries': with a unit, or where panels pay.
  std::byte* vector_panels_ = nullptr;
  std::byte* query_panels_ = nullptr;
};

}  // namespace unfold::cpu
