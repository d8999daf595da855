#include <fmt/format.h>

#include <vector>

#include "host/query/list_items.hpp"
#include "unfold/error.hpp"
#include "unfold/model_scorer.hpp"

namespace unfold {
namespace {

class NoLists final : public UserLists {
 public:
  std::uint64_t size(Row) const override { return 0; }
  void append(Row, std::vector<Row>&) const override {}
};

}  // namespace

void validate(const QueryOptions& options) {
  if (options.k >= 1 && options.k <= kMaxTopK) return;
  throw UsageError(fmt::format("k is {}: a list holds 1 to {} items", options.k, kMaxTopK));
}

void recommend(Backend& backend, const Model& model, std::span<const Row> users, const QueryOptions& options,
               const QuerySink& sink) {
  validate(options);
  const std::unique_ptr<Scorer> scorer = make_scorer(backend, model);
  const JoinedLists seen = all_seen(model.seen);
  const NoLists none;
  list_items(backend, *scorer, users, options.exclude_seen ? static_cast<const UserLists&>(seen) : none, options, sink);
}

}  // namespace unfold
