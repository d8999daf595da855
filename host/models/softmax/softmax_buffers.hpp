// A batch's arrays of the retrieval model.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/models/softmax/softmax_shape.hpp"
#include "host/tables/row_sort.hpp"
#include "host/tables/scored_rows.hpp"
#include "unfold/backend.hpp"

namespace unfold {

struct SoftmaxBuffers {
  // Rows of the item table and their gradients stand in one array: positives, shared negatives, own ones.
  DeviceArray<Row> item_rows;
  ScoredRows queries, items;  // items: of positives and shared negatives
  DeviceArray<float> item_bias;
  DeviceArray<float> query_gradient, item_gradient, bias_gradient, temperature_gradient;
  RowSort sort;                  // of item rows, then of users
  DeviceArray<Row> zero_rows;    // the row of the log temperature, for each query,
  RowSort temperature_sort;      // sorted
  DeviceArray<float> log_count;  // of positives and shared negatives
  DeviceArray<float> own_log_count;
  // Candidates of hard negatives, and their vectors where a batch shares them.
  DeviceArray<Row> candidates;
  DeviceArray<float> candidate_log_count, candidate_bias;
  ScoredRows candidate_vectors;
  DeviceArray<std::byte> workspace;  // of all ops of a step, one after another

  SoftmaxBuffers(const Arena& arena, const SoftmaxShape& shape, bool learn_temperature, std::uint32_t stride);
  static std::uint64_t workspace_bytes(const Backend& backend, const SoftmaxShape& shape);
};

}  // namespace unfold
