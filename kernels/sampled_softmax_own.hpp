// The part of sampled_softmax that belongs to negatives of a query's own, in front of and behind the queries' losses.
#pragma once

#include "kernels/launch.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cuda {

// What stands between the two.
struct OwnScores {
  float* scores = nullptr;  // [n_queries, own.n] scores; then dL / d score
  float* highs = nullptr;   // [n_queries] log2 of the highest share of the query's negatives
};

// Scores with biases, highs, and sums[b] = sum over query b's negatives of share / 2^highs[b] times the vector.
void score_own_negatives(const Launch& launch, const SoftmaxBatch& batch, const OwnNegatives& own, SoftmaxLossKind kind,
                         const OwnScores& scores, MatrixView<float> sums);

// The gradients by the rows, from scores.scores, which are dL / d score by now.
void own_negative_gradients(const Launch& launch, const SoftmaxBatch& batch, const OwnNegatives& own,
                            const OwnScores& scores, MatrixView<float> gradient);

}  // namespace unfold::cuda
