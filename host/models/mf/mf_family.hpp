// Model mf: biased matrix factorization of ratings (Koren, Bell and Volinsky, 2009), by stochastic gradient descent.
#pragma once

#include <string>

#include "host/models/embedding_options.hpp"
#include "unfold/model_family.hpp"
#include "unfold/rating_loss.hpp"

namespace unfold {

struct MfOptions : EmbeddingOptions {
  bool no_bias = false;
  std::string rating_range;
  double l2 = 0.06;
  double l2_bias = -1;
  bool deterministic = false;
};

class MfFamily final : public ModelFamily {
 public:
  MfOptions own;

  const char* name() const override { return "mf"; }
  const char* help() const override { return "biased matrix factorization of ratings"; }
  bool predicts_ratings() const override { return true; }
  std::vector<Option> options() override;
  std::uint64_t cut_row_bytes(const Backend& backend) const override;
  std::uint64_t batch_size(std::uint64_t n_ratings) const override;
  std::string against_divergence() const override;
  std::unique_ptr<TrainableModel> make(const Arena& arena, const ModelInput& input) const override;

 private:
  void check() const override;
};

// The loss for these ratings: their mean, the range, the penalties. Throws UsageError where a rating lies outside the
// range, DataError where float32 does not hold what is computed with them.
RatingLoss rating_loss(const MfOptions& options, const RatingView& train);

}  // namespace unfold
