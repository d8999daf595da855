// Lists of items by a scorer, in the form that queries give them.
#pragma once

#include <span>

#include "host/tables/row_lists.hpp"
#include "unfold/query.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

// The list of each of `users`, who may repeat, without the user's excluded items.
void list_items(Backend& backend, Scorer& scorer, std::span<const Row> users, const UserLists& excluded,
                const QueryOptions& options, const QuerySink& sink);

}  // namespace unfold
