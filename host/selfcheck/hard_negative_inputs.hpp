// select_negatives on a backend.
#pragma once

#include "host/selfcheck/hard_negative_reference.hpp"

namespace unfold::selfcheck {

struct SelectedNegatives {
  std::vector<Row> rows;         // [n_queries, n_kept]
  std::vector<float> log_count;  // [n_queries, n_kept]
};

inline SelectedNegatives run_selection(Backend& backend, const HostSelection& c, std::uint64_t extra_bytes = 0) {
  const std::uint64_t n = c.queries.rows;
  const std::uint32_t dim = c.queries.cols, stride = c.queries.stride;
  const GuardedArray<float> queries(backend, c.queries.values), positives(backend, c.positives.values);
  const GuardedArray<float> positive_bias(backend, c.positive_bias), bias(backend, c.bias);
  const GuardedArray<float> log_temperature(backend, std::vector<float>{0});
  const GuardedArray<Row> users(backend, c.users), ids(backend, c.known.ids), rows(backend, c.rows);
  const GuardedArray<Row> lists(backend, c.lists);
  const GuardedArray<std::uint64_t> offsets(backend, c.known.offsets);
  const GuardedArray<float> log_count(backend, c.log_count);
  const GuardedArray<std::byte> vectors(backend, c.vectors.bytes());
  const GuardedArray<Row> out_rows(backend, n * c.hardness.n_kept);
  const GuardedArray<float> out_log_count(backend, n * c.hardness.n_kept);
  const auto pointer = [](const auto& array) { return array.size() == 0 ? nullptr : array.data(); };
  CandidatePool pool;
  pool.rows = rows.data();
  pool.log_count = pointer(log_count);
  pool.log_draws = c.log_draws;
  pool.n = c.n;
  if (c.is_shared) {
    pool.vectors = {reinterpret_cast<const float*>(vectors.data()), c.n, dim, stride};
    pool.bias = pointer(bias);
  } else {
    pool.table = {vectors.data(), c.vectors.rows, dim, c.vectors.stride, c.vectors.type};
    pool.normalize = c.normalize;
    pool.item_bias = pointer(bias);
    pool.row_stride = c.row_stride;
    pool.lists = pointer(lists);
  }
  run_op(backend,
         SelectNegatives{.batch = {.queries = {queries.data(), n, dim, stride},
                                   .positives = {positives.data(), n, dim, stride},
                                   .positive_bias = pointer(positive_bias),
                                   .users = users.data(),
                                   .known = c.has_known ? RowLists{offsets.data(), ids.data()} : RowLists{},
                                   .log_temperature = log_temperature.data()},
                         .pool = pool,
                         .hardness = c.hardness,
                         .rows = out_rows.data(),
                         .log_count = out_log_count.data()},
         extra_bytes);
  return {out_rows.download(), out_log_count.download()};
}

}  // namespace unfold::selfcheck
