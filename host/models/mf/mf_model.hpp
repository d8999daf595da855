// Biased matrix factorization in a backend's memory: tables, optimizer state, one training step.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "host/models/trainable.hpp"
#include "host/score/product_scorer.hpp"
#include "host/tables/parameter_table.hpp"
#include "host/tables/row_sort.hpp"
#include "unfold/backend.hpp"
#include "unfold/model.hpp"
#include "unfold/random.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

struct MfShape {
  std::uint32_t n_users = 0;
  std::uint32_t n_items = 0;
  std::uint32_t dim = 0;
  TableType table_type = TableType::kFloat32;  // of the embeddings; biases and optimizer state are float32
  OptimizerKind optimizer = OptimizerKind::kSgd;
  bool deterministic = false;    // sum gradients by row instead of updating in place
  std::uint64_t batch_size = 0;  // the largest batch
  bool is_cut = false;           // batches come in runs
};

class MfModel final : public TrainableModel {
 public:
  MfModel(const Arena& arena, const MfShape& shape, const RatingLoss& loss);

  // Embeddings uniform with standard deviation init_std / sqrt(dim), rounded to the nearest element, the same on every
  // backend. Rows without a rating in `train` stay zero: they then predict what is known without them. `seed` is also
  // that of the rounding in its steps.
  void initialize(const RatingView& train, double init_std, std::uint64_t seed);

  void train_epoch(Epoch& epoch) override;
  const char* loss_name() const override { return "rmse"; }
  double epoch_loss(double sum, std::uint64_t n_ratings, std::uint64_t n_steps) const override;
  Scorer& scorer() override { return scorer_; }
  void download(Model& model) const override;
  std::uint64_t host_bytes() const override;
  std::vector<TableView> weight_tables() const override;

 private:
  // Adds the batch's squared error to the loss.
  void step(const RatingBatch& batch, const TrainingStep& arguments);

  // Of a batch, for the deterministic update: d loss / d score of each rating, and the gradients' sums for the rows of
  // the side that has fewer.
  struct Gradients {
    Gradients(const Arena& arena, std::uint64_t batch_size, std::uint64_t n_rows, const MfParameters& parameters);
    RowSort own_sort, other_sort;
    DeviceArray<float> by_score, sums, bias_sums;
    DeviceArray<std::byte> workspace;
  };
  void step_in_order(const RatingBatch& batch, const TrainingStep& arguments);

  Backend& backend_;
  RatingLoss loss_;
  RatingSide summed_side_;  // of which there are fewer
  ParameterTable user_factors_, item_factors_, user_bias_, item_bias_;
  MfParameters parameters_;
  ProductScorer scorer_;
  DeviceArray<std::byte> step_workspace_;  // fast only
  std::unique_ptr<Gradients> gradients_;   // deterministic only
};

}  // namespace unfold
