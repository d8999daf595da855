#include "host/query/list_items.hpp"

#include <vector>

#include "host/score/top_items.hpp"

namespace unfold {

void list_items(Backend& backend, Scorer& scorer, std::span<const Row> users, const UserLists& excluded,
                const QueryOptions& options, const QuerySink& sink) {
  TopItems lists(Arena(backend), scorer, {users.begin(), users.end()}, excluded, options.k, options.memory_bytes);
  std::vector<ScoredItem> list;
  lists.run(scorer, [&](std::uint64_t n, std::span<const Row> items, std::span<const float> scores) {
    list.clear();
    for (std::size_t t = 0; t < items.size(); ++t) list.push_back({items[t], scores[t]});
    sink(n, list);
  });
}

}  // namespace unfold
