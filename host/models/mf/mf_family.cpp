#include "host/models/mf/mf_family.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/models/mf/mf_model.hpp"
#include "host/models/mf/rating_range.hpp"
#include "host/tables/arena.hpp"
#include "unfold/error.hpp"

namespace unfold {

std::vector<Option> MfFamily::options() {
  std::vector<Option> options;
  add_embedding_options(own, options);
  options.push_back({"no-bias", OptionGroup::kModel, &own.no_bias, {}, "leave out the biases of users and items"});
  options.push_back({"rating-range",
                     OptionGroup::kModel,
                     &own.rating_range,
                     {},
                     "LO:HI, predictions are LO + (HI - LO) * sigmoid(score); empty: unbounded"});
  add_batch_options(run_, options);
  options.push_back({"l2", OptionGroup::kOptimizer, &own.l2, Allowed::from(0),
                     "L2 penalty that a rating puts on the two embeddings it touches, with errors in units of the "
                     "ratings' standard deviation"});
  options.push_back({"l2-bias",
                     OptionGroup::kOptimizer,
                     &own.l2_bias,
                     {.least = 0, .also = -1},
                     "the same on the two biases; -1: as --l2"});
  options.push_back({"deterministic",
                     OptionGroup::kOptimizer,
                     &own.deterministic,
                     {},
                     "sum gradients by row in a fixed order: equal bits from run to run for any number of threads, but "
                     "slower"});
  add_run_options(run_, options);
  add_residency_option(run_, options);
  return options;
}

void MfFamily::check() const {
  if (own.rating_range.empty() || parse_rating_range(own.rating_range)) return;
  throw UsageError(fmt::format("--rating-range {}: use LO:HI with LO < HI, such as 0:5.5", own.rating_range));
}

// Batches are cheap enough from here on, and an epoch has enough of them for the schedule to move smoothly. The
// deterministic update sums a batch's gradients before it applies them, so its batches stay small.
std::uint64_t MfFamily::batch_size(std::uint64_t n_ratings) const {
  if (run_.batch_size > 0) return std::min(run_.batch_size, n_ratings);
  const std::uint64_t lowest = own.deterministic ? 256 : 1024;
  const std::uint64_t highest = own.deterministic ? 4096 : 262144;
  return std::min(n_ratings, std::clamp(n_ratings / 64, lowest, highest));
}

std::uint64_t MfFamily::cut_row_bytes(const Backend& backend) const {
  if (own.deterministic) return 0;
  const TableType type = named_table_type(own.table_type);
  const std::uint32_t stride = backend.row_stride(own.dim, type);
  return stride * element_bytes(type) + optimizer_state_size(optimizer_kind(run_), 1, stride).bytes();
}

std::string MfFamily::against_divergence() const {
  return fmt::format("{} or raise --l2 (now {})", ModelFamily::against_divergence(), own.l2);
}

std::unique_ptr<TrainableModel> MfFamily::make(const Arena& arena, const ModelInput& input) const {
  const MfShape shape{input.data.n_users,
                      input.data.n_items,
                      own.dim,
                      named_table_type(own.table_type),
                      optimizer_kind(run_),
                      own.deterministic,
                      input.batch_sizes.front(),
                      input.is_cut};
  auto model = std::make_unique<MfModel>(arena, shape, rating_loss(own, input.data.train));
  if (!arena.is_plan()) model->initialize(input.data.train, own.init_std, run_.seed);
  return model;
}

}  // namespace unfold
