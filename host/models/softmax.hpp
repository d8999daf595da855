// Retrieval by (sampled) softmax: a query vector, here a user's embedding, against the item table. One training step on
// a batch of positives that share their random negatives, or have their own; hard negatives on top.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "host/eval/full_ranking.hpp"
#include "host/models/negative_spec.hpp"
#include "host/models/parameter_table.hpp"
#include "host/models/trainable.hpp"
#include "unfold/alias_table.hpp"
#include "unfold/backend.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/model.hpp"

namespace unfold {

struct SoftmaxShape {
  std::uint32_t n_users = 0;
  std::uint32_t n_items = 0;
  std::uint32_t dim = 0;
  TableType table_type = TableType::kFloat32;  // of the embeddings; the rest is float32
  OptimizerKind optimizer = OptimizerKind::kAdam;
  std::uint64_t n_positives = 0;      // of the training part
  std::uint64_t batch_size = 0;       // the largest batch
  NegativeSpec negatives;
  std::uint32_t n_negatives = 0;      // random ones: shared by a batch, or of each positive
  bool own_negatives = false;         // each positive has its own: random ones, or with hard ones their candidates
  bool has_bias = false;
  bool has_weights = false;           // the ratings of a batch are weights of its positives
  std::uint32_t threshold_rank = 0;   // K of the weights by the user's K-th best score; 0: no weights

  bool has_hard() const { return negatives.hard != HardNegatives::kNone; }
  bool is_mined() const { return negatives.hard == HardNegatives::kMined; }
  std::uint64_t n_in_batch() const;  // of n_shared
  std::uint64_t n_shared() const;    // negatives that a batch shares
  std::uint32_t n_own() const;       // negatives of each positive's own
  // Candidates of hard negatives that are drawn: shared by a batch, or of each positive.
  std::uint64_t n_drawn_candidates() const;
  // Rows of the item table that a batch touches: positives, shared negatives, own negatives.
  std::uint64_t n_item_rows() const { return batch_size + n_shared() + batch_size * n_own(); }
};

// A temperature at which candidates are drawn alike, whatever they score.
inline constexpr float kNoHardness = 1e30f;

struct SoftmaxSettings {
  SoftmaxLoss loss;
  bool cosine = true;
  float dropout = 0;                // of the query vector
  float temperature = 0.1f;         // at the start, where it is learned
  bool learn_temperature = false;
  Hardness hardness;                // kind, M, T, a, b and p
  double hard_warmup = 0;           // share of the run before hard negatives join
  std::uint32_t mined_skip = 0;     // best items that are passed over: they may be unknown positives
  std::uint32_t refresh_epochs = 1; // epochs between two searches for users' best items
  std::uint64_t seed = 1;
};

class SoftmaxModel final : public TrainableModel {
 public:
  // What the constructor will allocate, and one copy of the embeddings on the host.
  static void plan(const Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings,
                   MemoryPlan& plan);

  // `train` is what negatives are drawn against.
  SoftmaxModel(Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings, const RatingView& train,
               double init_std);

  void begin_epoch(std::uint32_t epoch, double progress) override;
  void step(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number, double* loss) override;
  const char* loss_name() const override { return "loss"; }
  double epoch_loss(double sum, std::uint64_t n_ratings, std::uint64_t n_steps) const override;
  void describe_epoch(nlohmann::ordered_json& line) override;
  // By NDCG@20 over all items, those of training masked.
  double validate(const RatingView& validation, nlohmann::ordered_json& line) override;
  void download(Model& model) const override;

 private:
  // A batch's arrays. Rows of the item table and their gradients stand in one array: positives, shared, own.
  struct Buffers {
    Buffers(Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings, std::uint32_t stride);
    DeviceArray<Row> item_rows;
    DeviceArray<float> queries, items, query_scale, item_scale, item_bias;
    DeviceArray<float> query_gradient, item_gradient, bias_gradient, temperature_gradient;
    DeviceArray<float> shared_log_count, own_log_count;
    DeviceArray<Row> candidates, zero_rows;
    DeviceArray<float> candidate_vectors, candidate_scale, candidate_bias, candidate_log_count;
    DeviceArray<std::byte> workspace;
  };
  // The k best items of every user, as of the last refresh.
  struct BestItems {
    BestItems(Backend& backend, std::uint64_t n_users, std::uint32_t rank);
    std::uint32_t k;
    DeviceArray<Row> items;     // [n_users, k]
    DeviceArray<float> scores;  // [n_users, k]
  };
  // What a draw is for: its own random numbers.
  enum class Draw : std::uint8_t { kShared, kOwn, kCandidates, kDropout, kSelection };

  RandomKey key(Draw draw, std::uint64_t step_number) const;
  RowTransform transform(bool with_dropout, std::uint64_t step_number) const;
  RowLists known() const { return {known_offsets_.data(), known_ids_.data()}; }
  MatrixView<float> rows_of(const DeviceArray<float>& array, std::uint64_t n) const;
  void build_sampler(const std::vector<std::uint64_t>& counts);
  void upload_log_counts(const std::vector<std::uint64_t>& counts);
  SharedNegatives draw_shared(const RatingBatch& batch, std::uint64_t step_number);
  void look_up_items(Row* rows, std::uint64_t n, const DeviceArray<float>& vectors, const DeviceArray<float>& scale,
                     const DeviceArray<float>& bias);
  PrivateNegatives choose_own(const RatingBatch& batch, const SoftmaxBatch& softmax_batch, Row* rows,
                              std::uint64_t step_number);
  CandidatePool draw_candidates(const RatingBatch& batch, std::uint64_t step_number);
  void update(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number,
              std::uint64_t n_item_rows);
  // Item vectors as they are scored, for rankings.
  MatrixView<const float> scored_items();
  void refresh(BestItems& best, bool with_known);

  Backend& backend_;
  SoftmaxShape shape_;
  SoftmaxSettings settings_;
  std::uint32_t stride_;
  bool hard_now_ = false;
  ParameterTable users_, items_, item_bias_, log_temperature_;
  SeenItems seen_;
  DeviceArray<std::uint64_t> known_offsets_;
  DeviceArray<Row> known_ids_;
  // Random draws: uniform, or by popularity.
  NegativeSampler sampler_;
  DeviceArray<std::uint32_t> alias_threshold_;
  DeviceArray<Row> alias_;
  DeviceArray<float> log_q_, log_unknown_mass_;
  // log of how often an item is expected among the shared negatives, of a full batch and of an epoch's last one.
  std::array<DeviceArray<float>, 2> log_count_;
  DeviceArray<std::uint64_t> n_rejected_;
  std::uint64_t n_drawn_ = 0;
  Buffers buffers_;
  std::unique_ptr<BestItems> mined_, thresholds_;
  DeviceArray<float> scored_items_, scored_scale_, scored_users_, block_queries_, block_scale_;
  DeviceArray<std::byte> block_workspace_;
  DeviceArray<Row> all_rows_;  // 0, 1, 2, ... up to the longer table
  std::optional<TestItems> validation_items_;
};

}  // namespace unfold
