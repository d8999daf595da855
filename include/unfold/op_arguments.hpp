// What ops take besides tables and numbers: views of arrays in the backend's memory.
#pragma once

#include <cstdint>
#include <string>

#include "unfold/error.hpp"
#include "unfold/host_device.hpp"
#include "unfold/matrix_view.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

// Ratings that lie together in the arrays of a batch, and follow each other in it.
struct RatingRun {
  std::uint64_t first = 0;  // where they begin in the arrays
  std::uint64_t size = 0;
  std::uint64_t place = 0;  // in the batch, of the first of them
};

// A batch that was cut ahead of its step, so that threads can work on it without meeting: of a round, no two parts hold
// ratings of the same user, or of the same item. The batch's order is round by round, part by part, run by run.
struct RatingRuns {
  const RatingRun* runs = nullptr;
  const std::uint64_t* ends = nullptr;  // [n_rounds * n_parts]: part p of round r ends before run ends[r * n_parts + p]
  std::uint64_t n_rounds = 0;
  std::uint32_t n_parts = 1;
};

// A batch of ratings in the backend's memory, arrays of `size`.
struct RatingBatch {
  const Row* users = nullptr;
  const Row* items = nullptr;
  const float* ratings = nullptr;
  std::uint64_t size = 0;
  const float* weights = nullptr;    // of the ratings' losses; null: each 1
  const RatingRuns* runs = nullptr;  // RatingStep on the CPU alone: its `size` ratings of larger arrays; null: all
};

// What a batch's arrays are written to.
struct RatingArrays {
  Row* users = nullptr;
  Row* items = nullptr;
  float* ratings = nullptr;
  float* weights = nullptr;  // null: the ratings have none
};

// The tables of biased matrix factorization. Factors of users and items have the same dim, stride and type; biases
// have dim 1 and stride 1 and are float32.
struct MfParameters {
  ParameterView user_factors = {};  // [n_users, dim]
  ParameterView item_factors = {};  // [n_items, dim]
  ParameterView user_bias = {};     // [n_users, 1]
  ParameterView item_bias = {};     // [n_items, 1]
};

enum class RatingSide : std::uint8_t { kUsers, kItems };

// Lists of item rows, one list a query: list q is ids[offsets[q] .. offsets[q + 1]), ascending and distinct.
struct RowLists {
  const std::uint64_t* offsets = nullptr;  // [n_lists + 1]
  const Row* ids = nullptr;
};

// The rows of a batch, sorted: what SortRows writes.
struct SortedRows {
  Row* rows = nullptr;                  // [n], ascending; kNoRow last
  std::uint32_t* order = nullptr;       // [n] where each stood in the batch, ascending where rows are equal
  std::uint32_t* starts = nullptr;      // [n_segments] where each distinct row begins in `rows`, ascending
  std::uint32_t* n_segments = nullptr;  // [1] distinct rows, kNoRow among them
  std::uint64_t n = 0;
};

// The gradients of a batch's rows, in one of three forms:
//   by place   of the row at place n: rows[n]
//   weighted   scale[n] * rows[source[n]] + l2 * the row itself. So places that share a gradient but for a factor need
//              none of their own: entries of a bag, ratings by their partners' rows
//   summed     rows[s] is the sum for the s-th distinct row in ascending order
struct RowGradients {
  ConstTableView rows = {};      // float32, or, where weighted, of the updated table's type
  const Row* source = nullptr;   // [n] where weighted, else null
  const float* scale = nullptr;  // [n] likewise
  float l2 = 0;                  // where weighted, else 0
  bool is_summed = false;

  bool is_weighted() const { return source != nullptr; }
};

// A number of each row of a table, gathered: out[n] = table[rows[n]].
struct RowNumbers {
  const float* table = nullptr;  // [n_table_rows]; null: none
  float* out = nullptr;          // [n_rows]
};

// The longest list that top_k makes.
inline constexpr std::uint32_t kMaxTopK = 1024;

// Throws UsageError.
inline void check_top_k(std::uint32_t k) {
  if (k >= 1 && k <= kMaxTopK) return;
  throw UsageError("top_k: k is " + std::to_string(k) + ", and may be 1 to " + std::to_string(kMaxTopK));
}

enum class PoolMode : std::uint8_t { kSum, kMean };

// Bags of table rows: bag b holds the entries offsets[b] .. offsets[b + 1), in this order. Rows may repeat.
struct RowBags {
  const Row* rows = nullptr;               // [n_entries]
  const std::uint64_t* offsets = nullptr;  // [n_bags + 1], offsets[0] = 0, offsets[n_bags] = n_entries
  const float* weights = nullptr;          // [n_entries]; null: each 1
  std::uint64_t n_bags = 0;
  std::uint64_t n_entries = 0;
  PoolMode mode = PoolMode::kSum;
};

// What a bag's weighted sum is multiplied by.
UNFOLD_HOST_DEVICE inline float pool_scale(PoolMode mode, std::uint64_t bag_size) {
  return mode == PoolMode::kMean && bag_size > 0 ? 1.0f / static_cast<float>(bag_size) : 1.0f;
}

}  // namespace unfold
