// Questions to a trained model: the best items for a user, and the items most like an item. docs/query.md has the
// formulas.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "unfold/backend.hpp"
#include "unfold/model.hpp"

namespace unfold {

struct QueryOptions {
  std::uint32_t k = 10;      // items listed for a query, 1 to kMaxTopK (1024)
  bool exclude_seen = true;  // recommend: leave out all items that the user has in the data
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;  // bound on scratch beside the item table; a query at least
};

// Throws UsageError.
void validate(const QueryOptions& options);

struct ScoredItem {
  Row item = kNoRow;
  float score = 0;
};

// Takes the list of query n, best first, of equal scores the lower row first: k items, or all that are left where they
// are fewer. Called once a query, in the queries' order; what it throws ends the work.
using QuerySink = std::function<void(std::uint64_t n, std::span<const ScoredItem> list)>;

// The items with the highest user . item + item bias for each of `users`: the order of a full ranking, exact over the
// items' float32 scores. Queries run in blocks, so memory does not grow with their number.
void recommend(Backend& backend, const Model& model, std::span<const Row> users, const QueryOptions& options,
               const QuerySink& sink);

// The items with the highest cosine to each of `items`, which is never in its own list. Items without a direction are
// in no list, and the list of such an item is empty.
void find_neighbors(Backend& backend, const Model& model, std::span<const Row> items, const QueryOptions& options,
                    const QuerySink& sink);

// Whether an item's embedding has a cosine: its length is finite and not zero, as that of an item never trained may be.
bool has_direction(const Model& model, Row item);

}  // namespace unfold
