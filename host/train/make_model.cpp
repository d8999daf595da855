#include "host/train/make_model.hpp"

#include <algorithm>

#include "host/models/mf.hpp"
#include "host/models/softmax.hpp"
#include "host/train/options.hpp"

namespace unfold {
namespace {

MfShape mf_shape(const TrainData& data, const TrainOptions& o, std::uint64_t batch_size) {
  return {data.n_users, data.n_items, o.dim, table_type(o), optimizer_kind(o), o.deterministic, batch_size};
}

SoftmaxShape softmax_shape(const TrainData& data, const Positives& positives, const TrainOptions& o,
                           std::uint64_t batch_size) {
  SoftmaxShape shape;
  shape.n_users = data.n_users;
  shape.n_items = data.n_items;
  shape.dim = o.dim;
  shape.table_type = table_type(o);
  shape.score_type = score_type(o);
  shape.optimizer = optimizer_kind(o);
  shape.n_positives = positives.view().size();
  shape.n_ratings = data.train.size();
  shape.has_floor = positives.floor().has_value();
  shape.batch_size = batch_size;
  shape.negatives = NegativeSpec::parse(o.negatives);
  shape.n_negatives = o.n_negatives;
  shape.own_negatives = o.own_negatives;
  shape.has_bias = !o.no_bias;
  shape.is_rated = o.rating_weight != 1;
  shape.threshold_rank = std::min(o.weight_rank, data.n_items);
  // A user has no more best items than there are.
  NegativeSpec& negatives = shape.negatives;
  if (shape.is_mined()) {
    negatives.n_candidates = std::min(negatives.n_candidates, data.n_items);
    negatives.n_hard = std::min(negatives.n_hard, negatives.n_candidates);
  }
  return shape;
}

SoftmaxSettings floored_settings(const TrainData& data, const Positives& positives, const TrainOptions& o) {
  SoftmaxSettings settings = softmax_settings(o, data.n_items);
  settings.positive_from = positives.floor().value_or(0);
  return settings;
}

}  // namespace

std::unique_ptr<TrainableModel> make_model(const Arena& arena, const TrainData& data, const Positives& positives,
                                           const SeenItems& seen, const TrainOptions& o, std::uint64_t batch_size) {
  if (o.model == "mf") {
    auto model = std::make_unique<MfModel>(arena, mf_shape(data, o, batch_size), rating_loss(o, data.train));
    if (!arena.is_plan()) model->initialize(data.train, o.init_std, o.seed);
    return model;
  }
  auto model = std::make_unique<SoftmaxModel>(arena, softmax_shape(data, positives, o, batch_size),
                                              floored_settings(data, positives, o), positives.view(), seen);
  if (!arena.is_plan()) model->initialize(positives.view(), data.train, seen.mean_rating, o.init_std);
  return model;
}

}  // namespace unfold
