// The vector kernels under rank_targets and top_k, beside score_products: scores of single items, and which scores
// reach a threshold. A target compares with a tile exactly, for its score has the same bits.
#pragma once

#include <cstdint>

#include "host/ops/products.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::cpu {

inline constexpr std::uint32_t kTilePanels = 16;  // panels scored before counting
inline constexpr std::uint32_t kTileItems = kPanelWidth * kTilePanels;
inline constexpr std::uint32_t kTileQueries = 12;  // queries scored together; [kTileQueries, kTileItems] fits in L1

// out[t] = query . items[ids[t]] + item_bias[ids[t]] with the same bits as score_products. item_bias may be null.
void score_rows(const float* query, MatrixView<const float> items, const float* item_bias, const Row* ids,
                std::uint64_t n_ids, float* out);

// counts[t] += number of scores >= thresholds[t]. n_scores is a multiple of kPanelWidth. A NaN reaches nothing.
void count_reaching(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                    std::uint32_t* counts);

// For thresholds in descending order, none of them NaN: steps[t] += number of scores whose first threshold reached
// is t. Sums from the front then give what count_reaching gives. steps[n_thresholds] takes the scores that reach
// none.
void count_steps(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                 std::uint32_t* steps);

// places[0 .. count): where a score is >= threshold, ascending; returns the count. `places` has room for n_scores, a
// multiple of kPanelWidth, and a panel more. A NaN reaches nothing.
std::uint32_t find_reaching(const float* scores, std::uint32_t n_scores, float threshold, std::uint32_t* places);

}  // namespace unfold::cpu
