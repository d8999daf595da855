// How evaluations are asked for and shown, shared by train and evaluate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/cli/option_set.hpp"
#include "unfold/evaluate.hpp"

namespace unfold::cli {

struct ScoreOptions {
  std::vector<std::uint32_t> at = {10, 20};
  std::optional<double> relevant_rating;
  bool no_ranking = false;

  void add(OptionSet& options);
  // Throws UsageError.
  EvaluateOptions resolve() const;
};

// The model's scores beside the popularity baseline's, a line a metric, and what was counted and left out.
std::string score_table(const Evaluation& evaluation);

}  // namespace unfold::cli
