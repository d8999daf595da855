// How evaluations are asked for and shown, shared by train and evaluate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/cli/option_set.hpp"
#include "host/cli/progress.hpp"
#include "unfold/evaluate.hpp"

namespace unfold::cli {

inline constexpr const char* kDefaultGroupColumn = "group";

// The options --items and --group-column, of each command that reads groups; `use` is what it does with them.
void add_group_options(OptionSet& options, std::string& items, std::string& group_column, const std::string& use);

// Throws UsageError for a column without a table.
void check_group_options(const std::string& items, const std::string& group_column);

// Reads the groups and tells how many items have one.
ItemGroups load_groups(const std::string& items, const std::string& group_column, const IdMap& item_ids,
                       Progress& progress);

struct ScoreOptions {
  std::vector<std::uint32_t> at = {10, 20};
  std::optional<double> relevant_rating;
  bool no_ranking = false;
  std::string items;  // a table of items, or empty: no folding
  std::string group_column = kDefaultGroupColumn;

  void add(OptionSet& options);
  // Without groups. Throws UsageError.
  EvaluateOptions resolve() const;
  // The items' groups, where a table is given. Throws DataError.
  std::optional<ItemGroups> read_groups(const IdMap& item_ids, Progress& progress) const;
};

// Says that a model was saved before its validation and test items were, where it had any.
void say_unknown_parts(const std::string& name, const Model& model, Progress& progress);

// Says how many ratings of a part are 0 or below and not relevant; `remedy` ends the sentence, or is empty. Returns
// whether there are some.
bool say_dislikes(const std::string& source, const RatingView& part, const std::string& remedy, Progress& progress);

// Ratings of 0 and below in a test part are not relevant to a model that was trained on positive ones alone. `least`:
// the least rating of its data. Says so where there are some.
void leave_out_dislikes(const std::string& source, const RatingView& test, double least, EvaluateOptions& options,
                        Progress& progress);

// Warns where scores are over nothing, and why, and where test interactions of `source` are not new to the model.
// `remedy` says what leaves those out, or is empty.
void warn_of_scores(const std::string& source, const Evaluation& evaluation, const std::string& remedy,
                    Progress& progress);

// The model's scores beside the popularity baseline's, a line a metric, with those of chance where folding was
// measured, and what was counted and left out. A mean over nothing is a dash.
std::string score_table(const Evaluation& evaluation);

}  // namespace unfold::cli
