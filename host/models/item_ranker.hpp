// Rankings of all items by a retrieval model as it is: users' best items, and validation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/eval/full_ranking.hpp"
#include "host/tables/scored_rows.hpp"
#include "unfold/backend.hpp"

namespace unfold {

// The k best items of every user, as of the last search.
struct BestItems {
  BestItems(Backend& backend, std::uint64_t n_users, std::uint32_t rank)
      : k(rank), items(backend, n_users * rank), scores(backend, n_users * rank) {}
  static std::uint64_t bytes(std::uint64_t n_users, std::uint32_t rank) { return 8 * n_users * rank; }

  std::uint32_t k;
  DeviceArray<Row> items;     // [n_users, k]
  DeviceArray<float> scores;  // [n_users, k]
};

class ItemRanker {
 public:
  // Scores are products of the tables' rows, both normalized if `cosine`, plus item_bias [n_items] unless null.
  // `largest_k` of the searches that will be asked for; 0: none.
  ItemRanker(Backend& backend, const TableView& users, const TableView& items, const float* item_bias, bool cosine,
             std::uint32_t largest_k);
  static std::uint64_t bytes(const Backend& backend, std::uint64_t n_users, std::uint64_t n_items, std::uint32_t stride,
                             bool has_bias, bool cosine, std::uint32_t largest_k);

  // Takes the item vectors as they are now for what follows.
  void look_up_items();
  // Every user's best items, without `excluded` [n_users] ones.
  void find_best(RowLists excluded, BestItems& best);
  RankingMetrics rank(const TestItems& test, const SeenItems& seen, const EvaluateOptions& options);

 private:
  Backend& backend_;
  TableView users_, items_;
  const float* item_bias_;
  RowTransform transform_;
  DeviceArray<Row> all_rows_;
  ScoredRows item_rows_;
  MatrixView<const float> item_vectors_;
  ScoredRows user_rows_;   // all, where their length matters to a ranking
  ScoredRows block_rows_;  // of a block of users
  DeviceArray<std::byte> workspace_;
};

}  // namespace unfold
