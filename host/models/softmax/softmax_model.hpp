// Retrieval by (sampled) softmax: a query vector, here a user's embedding, against the item table. One training step on
// a batch of positives that share their random negatives, or have their own; hard negatives on top.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/models/softmax/negative_source.hpp"
#include "host/models/softmax/softmax_buffers.hpp"
#include "host/models/softmax/softmax_shape.hpp"
#include "host/models/trainable.hpp"
#include "host/score/best_items.hpp"
#include "host/score/product_scorer.hpp"
#include "host/tables/parameter_table.hpp"
#include "unfold/backend.hpp"
#include "unfold/model.hpp"

namespace unfold {

class SoftmaxModel final : public TrainableModel {
 public:
  // `positives` are those ratings of the training part that batches will hold: all, unless the shape has a floor.
  // `seen` is of all its ratings.
  SoftmaxModel(const Arena& arena, const SoftmaxShape& shape, const SoftmaxSettings& settings,
               const RatingView& positives, const SeenItems& seen);

  // Embeddings of what occurs in `positives` begin as those of MfModel. `train` is the training part, with the mean of
  // its ratings.
  void initialize(const RatingView& positives, const RatingView& train, float mean_rating, double init_std);

  void train_epoch(Epoch& epoch) override;
  const char* loss_name() const override { return "loss"; }
  void describe_epoch(nlohmann::ordered_json& line) override;
  Scorer& scorer() override { return scorer_; }
  void download(Model& model) const override;
  std::uint64_t host_bytes() const override;
  std::vector<TableView> weight_tables() const override;

 private:
  // Before the steps of an epoch: what its hard negatives are drawn from.
  void begin_epoch(std::uint32_t epoch, double progress);
  void step(const RatingBatch& batch, const TrainingStep& arguments);
  RowTransform dropout(const RandomKey& key) const;
  const float* item_bias_table() const;
  ProductTables product_tables() const;
  std::span<std::byte> workspace() const { return {buffers_.workspace.data(), buffers_.workspace.size()}; }
  // Item vectors as they are scored, and the items' biases and log counts.
  MatrixView<float> look_up_items(const Row* rows, std::uint64_t n, const ScoredRows& vectors,
                                  const DeviceArray<float>& bias, const RowNumbers& log_counts);
  OwnNegatives choose_own(const RatingBatch& batch, const SoftmaxBatch& softmax_batch, Row* rows, const StepKeys& keys);
  CandidatePool draw_candidates(const RatingBatch& batch, const RandomKey& key);
  SoftmaxGradients gradients(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own, const StepSum& loss);
  void update(const RatingBatch& batch, const OptimizerStep& user_step, const SortedRows& items);
  // A positive's own negatives in this epoch, and all negatives that are scored in it.
  std::uint32_t n_own_now() const;
  std::uint64_t count_negatives() const;

  Backend& backend_;
  SoftmaxShape shape_;
  SoftmaxSettings settings_;
  std::uint32_t stride_;
  std::uint64_t n_positives_;  // of an epoch
  bool hard_now_ = false;
  ParameterTable users_, items_, item_bias_, log_temperature_;
  NegativeSource source_;
  SoftmaxBuffers buffers_;
  SortedRows temperature_rows_;  // of the largest batch; of a smaller one they are the first
  ProductScorer scorer_;
  std::optional<BestItems> hard_lists_;  // each user's candidates: mined, or disliked
  std::optional<BestItems> thresholds_;
};

}  // namespace unfold
