// Biased matrix factorization in a backend's memory: tables, optimizer state, one training step.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/evaluate.hpp"
#include "unfold/memory_plan.hpp"
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
  bool deterministic = false;      // sum gradients by row instead of updating in place
  std::uint64_t batch_size = 0;    // the largest batch
};

class MfModel {
 public:
  // What the constructor will allocate, and one copy of the embeddings on the host.
  static void plan(const Backend& backend, const MfShape& shape, MemoryPlan& plan);

  MfModel(Backend& backend, const MfShape& shape, const RatingLoss& loss);

  // Embeddings uniform with standard deviation init_std / sqrt(dim), rounded to the nearest element, the same on every
  // backend. Rows without a rating in `train` stay zero: they then predict what is known without them. `seed` is also
  // that of the rounding in step().
  void initialize(const RatingView& train, double init_std, std::uint64_t seed);

  // One step on a batch; adds its squared error to *squared_error (in the backend's memory). `step_number` counts the
  // steps of the run: it and the seed decide every random bit of the rounding, so step.rounding_key is not read.
  void step(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number, double* squared_error);

  ScoringTables tables() const { return {parameters_, loss_}; }
  // Copies the weights to `model`, as float32.
  void download(Model& model) const;

 private:
  // A table's weights and state.
  struct Table {
    Table(Backend& backend, std::uint64_t rows, std::uint32_t cols, std::uint32_t stride, TableType type,
          OptimizerKind kind);
    DeviceArray<std::byte> weight;
    DeviceArray<float> first, second;
    DeviceArray<std::uint32_t> steps;
    ParameterView view;
  };
  // The gradients of a batch, for the deterministic update.
  struct Gradients {
    Gradients(Backend& backend, std::uint64_t batch_size, std::uint32_t stride);
    DeviceArray<float> user, item, user_bias, item_bias;
    DeviceArray<std::byte> workspace;
  };
  void initialize_table(const Table& table, const std::vector<bool>& trained, double init_std, std::uint64_t seed,
                        RandomPurpose purpose);

  Backend& backend_;
  RatingLoss loss_;
  std::uint64_t seed_ = 0;
  Table user_factors_, item_factors_, user_bias_, item_bias_;
  MfParameters parameters_;
  DeviceArray<std::byte> step_workspace_;  // fast only
  std::unique_ptr<Gradients> gradients_;   // deterministic only
};

}  // namespace unfold
