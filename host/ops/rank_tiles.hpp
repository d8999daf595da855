// The vector kernels under rank_targets and top_k: scores of a tile of items, and which of them reach a threshold.
//
// Every score is one chain of multiply-adds over the columns in ascending order, then the bias, whichever kernel
// computes it and wherever in a tile the item lies. So items with equal vectors and equal biases have equal bits,
// and a target compares with a tile exactly. A general matrix product promises no such thing for its edges.
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"

namespace unfold::cpu {

inline constexpr std::uint32_t kPanelItems = 32;  // items side by side in a panel, a multiple of every vector's lanes
inline constexpr std::uint32_t kTilePanels = 16;  // panels scored before counting
inline constexpr std::uint32_t kTileItems = kPanelItems * kTilePanels;
inline constexpr std::uint32_t kTileQueries = 12;  // queries scored together; [kTileQueries, kTileItems] fits in L1

// Floats of one panel: kPanelItems items column by column, then their biases.
inline std::uint64_t panel_size(std::uint32_t dim) { return std::uint64_t{kPanelItems} * (dim + std::uint64_t{1}); }

// scores[q][i] = queries[q] . item i + bias of item i, for all kTileQueries rows of `queries` (repeat one to fill)
// and the n_panels <= kTilePanels panels. `scores` [kTileQueries, kTileItems] and `panels` are 64-byte aligned.
void score_tile(const float* const* queries, std::uint32_t dim, const float* panels, std::uint32_t n_panels,
                float* scores);

// out[t] = query . items[ids[t]] + item_bias[ids[t]] with the same bits as score_tile. item_bias may be null.
void score_rows(const float* query, MatrixView<const float> items, const float* item_bias, const Row* ids,
                std::uint64_t n_ids, float* out);

// counts[t] += number of scores >= thresholds[t]. n_scores is a multiple of kPanelItems. A NaN reaches nothing.
void count_reaching(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                    std::uint32_t* counts);

// For thresholds in descending order, none of them NaN: steps[t] += number of scores whose first threshold reached
// is t. Sums from the front then give what count_reaching gives. steps[n_thresholds] takes the scores that reach
// none.
void count_steps(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                 std::uint32_t* steps);

// places[0 .. count): where a score is >= threshold, ascending; returns the count. `places` has room for n_scores, a
// multiple of kPanelItems, and a panel more. A NaN reaches nothing.
std::uint32_t find_reaching(const float* scores, std::uint32_t n_scores, float threshold, std::uint32_t* places);

}  // namespace unfold::cpu
