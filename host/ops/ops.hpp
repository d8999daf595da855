// The CPU's implementation of every op of unfold/backend.hpp, one file an op. The contracts stand there; here is
// what the CPU adds: the number of threads. All memory is plain host memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "unfold/backend.hpp"

namespace unfold::cpu {

void lookup_rows(const ConstTableView& table, const Row* rows, std::uint64_t n_rows, MatrixView<float> out,
                 int n_threads);

void pool_rows(const ConstTableView& table, const RowBags& bags, MatrixView<float> out, int n_threads);
void pool_rows_gradient(const ConstTableView& table, const RowBags& bags, MatrixView<const float> out_gradient,
                        MatrixView<float> row_gradient, float* weight_gradient, int n_threads);

void rating_step(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                 const OptimizerStep& step, double* squared_error, std::span<std::byte> workspace, int n_threads);
std::uint64_t rating_step_workspace_bytes(std::uint64_t batch_size, int n_threads);

void rating_gradients(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                      MatrixView<float> user_gradient, MatrixView<float> item_gradient, float* user_bias_gradient,
                      float* item_bias_gradient, double* squared_error, int n_threads);

void update_rows(const ParameterView& table, const Row* rows, std::uint64_t n_rows, MatrixView<const float> gradient,
                 const OptimizerStep& step, std::span<std::byte> workspace, int n_threads);
std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows);

void update_rows_atomic(const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                        MatrixView<const float> gradient, const OptimizerStep& step, int n_threads);

void draw_negatives(const NegativeSampler& sampler, const RandomKey& key, const Row* queries, std::uint64_t n,
                    std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q, std::uint64_t* n_rejected,
                    int n_threads);

void mixed_log_counts(const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n, float expected_draws,
                      std::uint32_t* times, float* log_count);

void transform_rows(const RowTransform& transform, MatrixView<float> rows, float* scale, int n_threads);
void transform_rows_gradient(const RowTransform& transform, MatrixView<const float> vectors, const float* scale,
                             MatrixView<float> gradient, int n_threads);

void sampled_softmax(const SoftmaxBatch& batch, const SharedNegatives& shared, const PrivateNegatives& own,
                     const SoftmaxLoss& loss, float scale, const SoftmaxGradients& gradients,
                     std::span<std::byte> workspace, int n_threads);
std::uint64_t sampled_softmax_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own,
                                              std::uint32_t dim, int n_threads);

void select_negatives(const SoftmaxBatch& batch, const CandidatePool& pool, const Hardness& hardness, Row* rows,
                      float* log_count, std::span<std::byte> workspace, int n_threads);
std::uint64_t select_negatives_workspace_bytes(std::uint64_t n_queries, std::uint32_t n_candidates, std::uint32_t dim,
                                               int n_threads);

void predict_ratings(const MfParameters& parameters, const Row* users, const Row* items, std::uint64_t n,
                     const RatingLoss& loss, float* prediction, int n_threads);

void rating_error_sums(const float* prediction, const float* rating, std::uint64_t n, double* sums, int n_threads);

void rank_targets(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
                  RowLists targets, RowLists excluded, std::uint64_t n_targets, std::uint32_t* ranks,
                  std::span<std::byte> workspace, int n_threads);
std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint64_t n_targets);

void top_k(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias, RowLists excluded,
           std::uint32_t k, Row* out_items, float* out_scores, std::span<std::byte> workspace, int n_threads);
std::uint64_t top_k_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint32_t k);

// An op runs on at most this many threads.
inline constexpr int kMaxThreads = 256;

// Threads worth waking for n equal pieces of work (ratings, rows, pairs), at most n_threads. A piece takes some tens
// of nanoseconds and waking a thread some microseconds, many more where other programs keep the cores busy.
inline int threads_for(std::uint64_t n, int n_threads) {
  constexpr std::uint64_t kPiecesAThread = 2048;
  return static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(n_threads), 1 + n / kPiecesAThread));
}

// The same for rows of `stride` floats, each of which is a piece for every 16 of them.
inline int threads_for_rows(std::uint64_t n_rows, std::uint32_t stride, int n_threads) {
  return threads_for(n_rows * (1 + stride / 16), n_threads);
}

// The SIMD target that the ops run with on this CPU, and all it supports, best first: "AVX3", "AVX2", "SSE4".
const char* simd_target();

}  // namespace unfold::cpu
