// Training options resolved to what the training loop and the ops take.
#pragma once

#include <span>
#include <vector>

#include "host/models/softmax_shape.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/rating_loss.hpp"
#include "unfold/ratings.hpp"
#include "unfold/table_view.hpp"
#include "unfold/train.hpp"

namespace unfold {

// Requires validate(options).
OptimizerKind optimizer_kind(const TrainOptions& options);

// Require validate(options).
TableType table_type(const TrainOptions& options);
TableType score_type(const TrainOptions& options);

// The loss for these ratings: their mean, the range, the penalties. Throws UsageError where a rating lies outside
// the range.
RatingLoss rating_loss(const TrainOptions& options, const RatingView& train);

// Losses, scores and negatives of model softmax. Requires validate(options).
SoftmaxSettings softmax_settings(const TrainOptions& options, std::uint32_t n_items);

// What a positive counts: rating_weight^((rating - mean) / deviation) * (its user's number of positives)^-user_balance,
// scaled to a mean of 1; empty where all count alike. Requires at least one rating.
std::vector<float> positive_weights(const TrainOptions& options, const RatingView& train);

// The batch size asked for, or the one that suits the data.
std::uint64_t resolved_batch_size(const TrainOptions& options, std::uint64_t n_ratings);

}  // namespace unfold
