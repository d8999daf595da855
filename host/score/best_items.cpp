#include "host/score/best_items.hpp"

namespace unfold {
namespace {

// Users whose best items are looked for at once, and the scores beyond the least that a search needs: larger tiles.
constexpr std::uint64_t kBlockUsers = 4096;
constexpr std::uint64_t kTileBytes = std::uint64_t{16} << 20;

}  // namespace

BestItems::BestItems(const Arena& arena, const std::string& name, const Scorer& scorer, std::uint32_t k,
                     RowLists excluded, bool is_searched)
    : backend_(arena.backend()),
      k_(k),
      items_(arena.array<Row>(name, scorer.n_users() * k)),
      scores_(arena.array<float>(name, scorer.n_users() * k)) {
  if (!is_searched) return;
  BlockNeeds needs;
  needs.array_bytes = [](const BlockSize&) { return std::uint64_t{0}; };
  needs.workspace_bytes = [&backend = backend_, n_items = scorer.n_items(), k](const BlockSize& block) {
    return backend.workspace_bytes(TopK{.queries = {.rows = block.n_queries}, .items = {.rows = n_items}, .k = k});
  };
  needs.max_queries = kBlockUsers;
  needs.tile_bytes = kTileBytes;
  walk_.emplace(arena, "search for users' best items", scorer, excluded, needs);
}

void BestItems::find(Scorer& scorer) {
  walk_->run(scorer, [&](const Block& block) {
    backend_.run(TopK{.queries = block.queries,
                      .items = block.items.vectors,
                      .item_bias = block.items.bias,
                      .excluded = block.excluded,
                      .k = k_,
                      .out_items = items_.data() + block.first * k_,
                      .out_scores = scores_.data() + block.first * k_},
                 block.workspace);
  });
}

}  // namespace unfold
