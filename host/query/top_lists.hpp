// The best items of many queries, in blocks of queries that keep the scratch bounded.
#pragma once

#include <functional>
#include <span>

#include "unfold/query.hpp"

namespace unfold {

// What is asked: query n's vector, and the items that are not for it.
struct Queries {
  std::uint64_t size = 0;
  // Writes the columns of query n's vector to `row`, which is zero.
  std::function<void(std::uint64_t n, std::span<float> row)> write_vector;
  // Ascending and distinct; valid until the next call.
  std::function<std::span<const Row>(std::uint64_t n)> excluded;
};

// Item i scores vector . items[i] + item_bias[i]; both are in the backend's memory, and item_bias may be null.
void list_top(Backend& backend, MatrixView<const float> items, const float* item_bias, const Queries& queries,
              const QueryOptions& options, const QuerySink& sink);

}  // namespace unfold
