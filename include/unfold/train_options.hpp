// Options of a run that model families share. A family has those that mean something to it, at its own defaults, and
// more of its own (model_family.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unfold/optimizer.hpp"
#include "unfold/option.hpp"

namespace unfold {

struct TrainOptions {
  // Of every run.
  std::uint32_t epochs = 20;
  std::uint32_t patience = 0;
  bool refit = false;
  std::uint64_t seed = 1;
  std::string device = "auto";
  std::uint32_t threads = 0;

  // Of families that train on batches.
  std::uint64_t batch_size = 0;
  bool group_batches = false;
  bool cuda_graph = false;
  std::string resident = "auto";
  std::string optimizer = "sgd";
  double learning_rate = 0.05;
  std::string schedule = "linear";
  double learning_rate_decay = 0.9;
  double warmup = 0.25;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
};

// Adds to `options` those of every run, those of batches and their optimizer, and where the ratings of batches are,
// bound to the fields of `run`.
void add_run_options(TrainOptions& run, std::vector<Option>& options);
void add_batch_options(TrainOptions& run, std::vector<Option>& options);
void add_residency_option(TrainOptions& run, std::vector<Option>& options);

// The update rule that a validated run asks for.
OptimizerKind optimizer_kind(const TrainOptions& run);

}  // namespace unfold
