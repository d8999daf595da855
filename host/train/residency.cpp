#include "host/train/residency.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/ops/ops.hpp"
#include "host/stream/cut_ratings.hpp"
#include "host/stream/rating_lists.hpp"
#include "host/stream/resident_ratings.hpp"
#include "host/threads/processors.hpp"
#include "host/train/spare_memory.hpp"
#include "unfold/error.hpp"
#include "unfold/rating_stream.hpp"
#include "unfold/train.hpp"

namespace unfold {

void check_device(const TrainOptions& options, const Backend& backend) {
  if (options.resident != "always" || backend.has_own_memory()) return;
  throw UsageError(
      "--resident always keeps the ratings in a device's own memory, and this run is on the CPU, which reads them "
      "where "
      "they are; leave the option out, or name a GPU with --device cuda");
}

unsigned n_readers(const Backend& backend, unsigned n_threads) {
  constexpr unsigned kMostReaders = 4;
  if (!backend.has_own_memory()) return 1;
  const unsigned n_cores = n_threads > 0 ? n_threads : usable_processors();
  return std::clamp(n_cores - 1, 1u, kMostReaders);
}

RatingCut rating_cut(const Backend& backend, const ModelFamily& family, const TrainData& data,
                     std::uint64_t batch_size) {
  const std::uint64_t row_bytes = family.cut_row_bytes(backend);
  if (row_bytes == 0 || backend.has_own_memory()) return {};
  const int n_parts = cpu::threads_for_ratings(batch_size, static_cast<int>(backend.n_threads()));
  return {data.n_users, data.n_items, row_bytes, static_cast<std::uint32_t>(n_parts)};
}

namespace {

// A sixteenth of what is free is left to others, as on a device (spare_memory.hpp).
bool plan_lists(Backend& backend, MemoryPlan& plan, const RatingView& ratings, const RatingSourceOptions& options) {
  const std::uint64_t bytes = CutRatings::bytes(ratings.size(), options.cut);
  if (bytes > 0) plan.add_host("sorting of the ratings", RatingLists::working_bytes(ratings.size(), options.cut));
  const bool in_memory = plan.host_bytes() + bytes <= plan.host_free - plan.host_free / 16;
  if (!in_memory) plan.add_mapped("cut training ratings (temporary file)", bytes);
  const CutRatings planned(Arena(backend, plan), ratings, options, in_memory);
  return in_memory;
}

}  // namespace

bool plan_ratings(Backend& backend, MemoryPlan& plan, const std::string& resident, const RatingView& ratings,
                  const RatingSourceOptions& options) {
  if (options.cut.row_bytes > 0) return plan_lists(backend, plan, ratings, options);
  const auto take = [&](const Arena& arena, bool is_resident) { make_source(arena, ratings, options, is_resident); };
  if (resident == "auto") return plan_faster(backend, plan, take);
  const bool is_resident = resident == "always";
  take(Arena(backend, plan), is_resident);
  if (is_resident) plan.remedy = "--resident auto streams what does not fit; " + plan.remedy;
  return is_resident;
}

std::unique_ptr<RatingSource> make_source(const Arena& arena, const RatingView& ratings,
                                          const RatingSourceOptions& options, bool is_resident) {
  if (options.cut.row_bytes > 0) return std::make_unique<CutRatings>(arena, ratings, options, is_resident);
  if (is_resident) return std::make_unique<ResidentRatings>(arena, ratings, options);
  const unsigned n_slots = RatingStream::n_slots(arena.backend(), ratings.size(), options);
  const std::string name = fmt::format("{} streaming slots of {} ratings", n_slots, options.batch_size);
  return std::make_unique<RatingStream>(arena, name, ratings, options);
}

}  // namespace unfold
