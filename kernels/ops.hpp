// The CUDA implementation of every op of unfold/backend.hpp, one file an op. The contracts stand there; here is
// what CUDA adds: the launch, and scratch that the backend owns. All pointers are to device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/blas.hpp"
#include "kernels/launch.hpp"
#include "unfold/backend.hpp"

namespace unfold::cuda {

void lookup_rows(const Launch& launch, const ConstTableView& table, const Row* rows, std::uint64_t n_rows,
                 MatrixView<float> out);

void pool_rows(const Launch& launch, const ConstTableView& table, const RowBags& bags, MatrixView<float> out);
void pool_rows_gradient(const Launch& launch, const ConstTableView& table, const RowBags& bags,
                        MatrixView<const float> out_gradient, MatrixView<float> row_gradient, float* weight_gradient);

void rating_step(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                 const OptimizerStep& step, double* squared_error);

void rating_gradients(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch,
                      const RatingLoss& loss, MatrixView<float> user_gradient, MatrixView<float> item_gradient,
                      float* user_bias_gradient, float* item_bias_gradient, double* squared_error,
                      std::span<std::byte> scratch);
std::uint64_t rating_gradients_scratch_bytes();

void update_rows(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                 MatrixView<const float> gradient, const OptimizerStep& step, std::span<std::byte> workspace);
std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows);

void update_rows_atomic(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                        MatrixView<const float> gradient, const OptimizerStep& step);

void draw_negatives(const Launch& launch, const NegativeSampler& sampler, const RandomKey& key, const Row* queries,
                    std::uint64_t n, std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q,
                    std::uint64_t* n_rejected);

void mixed_log_counts(const Launch& launch, const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n,
                      float expected_draws, std::uint32_t* times, float* log_count);

void transform_rows(const Launch& launch, const RowTransform& transform, MatrixView<float> rows, float* scale);
void transform_rows_gradient(const Launch& launch, const RowTransform& transform, MatrixView<const float> vectors,
                             const float* scale, MatrixView<float> gradient);

void sampled_softmax(const Launch& launch, Blas& blas, const SoftmaxBatch& batch, const SharedNegatives& shared,
                     const PrivateNegatives& own, const SoftmaxLoss& loss, float scale,
                     const SoftmaxGradients& gradients, std::span<std::byte> workspace);
std::uint64_t sampled_softmax_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own,
                                              std::uint32_t dim, TableType score_type);

void select_negatives(const Launch& launch, Blas& blas, const SoftmaxBatch& batch, const CandidatePool& pool,
                      const Hardness& hardness, Row* rows, float* log_count, std::span<std::byte> workspace);
std::uint64_t select_negatives_workspace_bytes(std::uint64_t n_queries, std::uint32_t n_candidates, std::uint32_t dim);

void predict_ratings(const Launch& launch, const MfParameters& parameters, const Row* users, const Row* items,
                     std::uint64_t n, const RatingLoss& loss, float* prediction);

void rating_error_sums(const Launch& launch, const float* prediction, const float* rating, std::uint64_t n,
                       double* sums, std::span<std::byte> workspace);
std::uint64_t rating_error_sums_workspace_bytes(std::uint64_t n);

void rank_targets(const Launch& launch, Blas& blas, MatrixView<const float> queries, MatrixView<const float> items,
                  const float* item_bias, RowLists targets, RowLists excluded, std::uint64_t n_targets,
                  std::uint32_t* ranks, std::span<std::byte> workspace);
std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint64_t n_targets);

void top_k(const Launch& launch, Blas& blas, MatrixView<const float> queries, MatrixView<const float> items,
           const float* item_bias, RowLists excluded, std::uint32_t k, Row* out_items, float* out_scores,
           std::span<std::byte> workspace);
std::uint64_t top_k_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint32_t k);

}  // namespace unfold::cuda
