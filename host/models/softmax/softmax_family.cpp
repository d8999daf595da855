#include "host/models/softmax/softmax_family.hpp"

#include <algorithm>
#include <cmath>

#include "host/models/softmax/softmax_model.hpp"
#include "host/tables/arena.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {
namespace {

// The more items, the higher the best negatives score, and the lower the temperature that looks at them: a fit to the
// best temperatures of catalogues of 1,700 to 41,000 items (docs/tuning.md).
double resolved_temperature(const SoftmaxOptions& o, std::uint32_t n_items) {
  if (o.temperature > 0) return o.temperature;
  return o.score == "dot" ? 1 : std::min(0.3, 1.4 / std::pow(n_items, 0.25));
}

SoftmaxLoss softmax_loss(const SoftmaxOptions& o, double temperature, std::uint32_t n_items) {
  SoftmaxLoss loss;
  loss.kind = o.loss == "bpr" ? SoftmaxLossKind::kBpr : SoftmaxLossKind::kSoftmax;
  loss.positive_in_denominator = o.positive_in_denominator;
  if (o.loss == "bsl") {
    loss.negative_weight = static_cast<float>(o.negative_weight);
    if (o.positive_temperature > 0) loss.positive_ratio = static_cast<float>(temperature / o.positive_temperature);
  }
  if (o.denominator_items > 0) {
    loss.log_denominator_share = static_cast<float>(std::log(o.denominator_items / static_cast<double>(n_items)));
  }
  loss.weight_temperature = static_cast<float>(o.weight_temperature);
  return loss;
}

Hardness hardness(const SoftmaxOptions& o, const NegativeSpec& negatives) {
  Hardness hardness;
  hardness.n_kept = negatives.n_hard;
  hardness.temperature = static_cast<float>(o.hard_temperature);
  hardness.alpha = static_cast<float>(o.adaptive_alpha);
  hardness.beta = static_cast<float>(o.adaptive_beta);
  hardness.power = static_cast<float>(o.adaptive_power);
  hardness.kind = negatives.hard == HardNegatives::kAdaptive ? HardnessKind::kAdaptive : HardnessKind::kHardest;
  if (negatives.hard == HardNegatives::kScoreWeighted) hardness.kind = HardnessKind::kScoreWeighted;
  if (negatives.hard == HardNegatives::kMined || negatives.hard == HardNegatives::kDisliked) {  // any of the list
    hardness.kind = HardnessKind::kScoreWeighted;
    hardness.temperature = kNoHardness;
  }
  return hardness;
}

SoftmaxSettings softmax_settings(const SoftmaxOptions& o, const ModelInput& input, std::uint64_t seed) {
  const std::uint32_t n_items = input.data.n_items;
  const double temperature = resolved_temperature(o, n_items);
  SoftmaxSettings settings;
  settings.loss = softmax_loss(o, temperature, n_items);
  settings.cosine = o.score == "cosine";
  settings.dropout = static_cast<float>(o.dropout);
  settings.l2 = static_cast<float>(o.l2);
  settings.temperature = static_cast<float>(temperature);
  settings.learn_temperature = o.learn_temperature;
  settings.hardness = hardness(o, NegativeSpec::parse(o.negatives));
  settings.hard_weight = static_cast<float>(o.hard_weight);
  settings.hard_warmup = o.hard_warmup;
  settings.mined_skip = o.mined_skip;
  settings.refresh_epochs = o.refresh_epochs;
  settings.positive_from = input.positive_from.value_or(0);
  settings.seed = seed;
  return settings;
}

SoftmaxShape softmax_shape(const SoftmaxOptions& o, const ModelInput& input, OptimizerKind optimizer) {
  SoftmaxShape shape;
  shape.n_users = input.data.n_users;
  shape.n_items = input.data.n_items;
  shape.dim = o.dim;
  shape.table_type = named_table_type(o.table_type);
  shape.score_type = named_table_type(o.score_type);
  shape.optimizer = optimizer;
  shape.has_floor = input.positive_from.has_value();
  shape.batch_sizes = input.batch_sizes;
  shape.negatives = NegativeSpec::parse(o.negatives);
  shape.n_negatives = o.n_negatives;
  shape.own_negatives = o.own_negatives;
  shape.fused = o.fused_softmax && o.loss != "bpr" && shape.n_own() == 0 && o.dim <= kMaxFusedDim;
  shape.has_bias = !o.no_bias;
  shape.is_rated = o.rating_weight != 1;
  shape.threshold_rank = std::min(o.weight_rank, input.data.n_items);
  // A user has no more best items than there are.
  NegativeSpec& negatives = shape.negatives;
  if (shape.is_mined()) {
    negatives.n_candidates = std::min(negatives.n_candidates, input.data.n_items);
    negatives.n_hard = std::min(negatives.n_hard, negatives.n_candidates);
  }
  return shape;
}

}  // namespace

std::unique_ptr<TrainableModel> SoftmaxFamily::make(const Arena& arena, const ModelInput& input) const {
  auto model = std::make_unique<SoftmaxModel>(arena, softmax_shape(own, input, optimizer_kind(run_)),
                                              softmax_settings(own, input, run_.seed), input.positives, input.seen);
  if (!arena.is_plan()) model->initialize(input.positives, input.data.train, input.seen.mean_rating, own.init_std);
  return model;
}

}  // namespace unfold
