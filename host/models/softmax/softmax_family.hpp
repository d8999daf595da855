// Model softmax: which items a user chooses, by sampled softmax with random and hard negatives.
#pragma once

#include <string>
#include <vector>

#include "host/models/embedding_options.hpp"
#include "unfold/model_family.hpp"

namespace unfold {

struct SoftmaxOptions : EmbeddingOptions {
  bool no_bias = false;
  std::string loss = "softmax";
  std::string score = "cosine";
  std::string score_type = "float32";
  bool fused_softmax = false;
  double temperature = 0;
  double positive_temperature = 0;
  double negative_weight = 1.22;
  bool learn_temperature = false;
  bool positive_in_denominator = false;
  std::uint32_t denominator_items = 0;
  std::string positive_from;
  double rating_weight = 1;
  double user_balance = 0;
  double dropout = 0.1;
  double l2 = 0;
  std::string negatives = "uniform";
  std::uint32_t n_negatives = 512;
  bool own_negatives = false;
  double hard_warmup = 0.1;
  double hard_weight = 1;
  double hard_temperature = 0.1;
  double adaptive_alpha = 1.0;
  double adaptive_beta = 0.1;
  double adaptive_power = -2.0;
  std::uint32_t mined_skip = 10;
  std::uint32_t weight_rank = 0;
  double weight_temperature = 0.2;
  std::uint32_t refresh_epochs = 5;
};

class SoftmaxFamily final : public ModelFamily {
 public:
  SoftmaxOptions own;

  SoftmaxFamily();
  const char* name() const override { return "softmax"; }
  const char* help() const override { return "which items a user chooses, by sampled softmax"; }
  bool predicts_ratings() const override { return false; }
  std::vector<Option> options() override;
  const char* default_validation() const override { return "random:0.1"; }
  // As asked for, or from the scale of `ratings`: where some are 0 or below and others above, the lowest of those
  // above. Throws DataError where ratings differ and none is above 0.
  std::optional<float> positive_from(const RatingView& ratings) const override;
  // rating_weight^((rating - mean) / deviation) * (its user's number of positives)^-user_balance, scaled.
  std::vector<float> weights(const RatingView& positives) const override;
  std::unique_ptr<TrainableModel> make(const Arena& arena, const ModelInput& input) const override;

 private:
  void check() const override;
};

}  // namespace unfold
