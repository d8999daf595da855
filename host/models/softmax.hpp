// Retrieval by (sampled) softmax: a query vector, here a user's embedding, against the item table. One training step on
// a batch of positives that share their random negatives, or have their own; hard negatives on top.
#pragma once

#include <cstdint>
#include <optional>

#include "host/models/item_ranker.hpp"
#include "host/models/negative_source.hpp"
#include "host/models/parameter_table.hpp"
#include "host/models/softmax_buffers.hpp"
#include "host/models/softmax_shape.hpp"
#include "host/models/trainable.hpp"
#include "unfold/backend.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/model.hpp"

namespace unfold {

class SoftmaxModel final : public TrainableModel {
 public:
  // What the constructor will allocate, and one copy of the embeddings on the host.
  static void plan(const Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings,
                   MemoryPlan& plan);

  // `positives` are those of `train` that batches will hold: all, unless the shape has a floor. What a user has in
  // `train` is left out of rankings.
  SoftmaxModel(Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings,
               const RatingView& positives, const RatingView& train, double init_std);

  void begin_epoch(std::uint32_t epoch, double progress) override;
  void step(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number, double* loss) override;
  const char* loss_name() const override { return "loss"; }
  double epoch_loss(double sum, std::uint64_t n_ratings, std::uint64_t n_steps) const override;
  void describe_epoch(nlohmann::ordered_json& line) override;
  std::string why_unscored(const RatingView& validation) const override;
  // By NDCG@20 over all items, those of training masked.
  std::optional<double> validate(const RatingView& validation, nlohmann::ordered_json& line) override;
  void download(Model& model) const override;

 private:
  RowTransform dropout(std::uint64_t step_number) const;
  const float* item_bias_table() const;
  std::span<std::byte> workspace() const { return {buffers_.workspace.data(), buffers_.workspace.size()}; }
  // Item vectors as they are scored, and the items' biases.
  MatrixView<float> look_up_items(const Row* rows, std::uint64_t n, const ScoredRows& vectors,
                                  const DeviceArray<float>& bias);
  PrivateNegatives choose_own(const RatingBatch& batch, const SoftmaxBatch& softmax_batch, Row* rows,
                              std::uint64_t step_number);
  CandidatePool draw_candidates(const RatingBatch& batch, std::uint64_t step_number);
  SoftmaxGradients gradients(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own, double* loss);
  void update(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number,
              std::uint64_t n_item_rows);

  Backend& backend_;
  SoftmaxShape shape_;
  SoftmaxSettings settings_;
  std::uint32_t stride_;
  bool hard_now_ = false;
  ParameterTable users_, items_, item_bias_, log_temperature_;
  SeenItems seen_;
  NegativeSource source_;
  std::uint64_t n_negatives_ = 0;  // scored in the epoch
  SoftmaxBuffers buffers_;
  ItemRanker ranker_;
  std::optional<BestItems> hard_lists_;  // each user's candidates: mined, or disliked
  std::optional<BestItems> thresholds_;
  std::optional<TestItems> validation_items_;
};

}  // namespace unfold
