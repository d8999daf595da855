#include <fmt/format.h>

#include <memory>

#include "host/query/list_items.hpp"
#include "unfold/error.hpp"
#include "unfold/model_scorer.hpp"

namespace unfold {

void validate(const QueryOptions& options) {
  if (options.k >= 1 && options.k <= kMaxTopK) return;
  throw UsageError(fmt::format("k is {}: a list holds 1 to {} items", options.k, kMaxTopK));
}

void recommend(Backend& backend, const Model& model, std::span<const Row> users, const QueryOptions& options,
               const QuerySink& sink) {
  validate(options);
  const std::unique_ptr<Scorer> scorer = make_scorer(backend, model);
  const JoinedLists excluded = options.exclude_seen ? all_seen(model.seen) : JoinedLists({});
  list_items(backend, *scorer, users, excluded, options, sink);
}

}  // namespace unfold
