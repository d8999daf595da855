// Checks of ops on 16-bit tables: those of float32 run again, and those of the rounding itself.
#pragma once

#include <algorithm>
#include <vector>

#include "host/selfcheck/op_inputs.hpp"

namespace unfold::selfcheck {

template <void (*kCheck)(CheckRun&, TableType)>
void in_float32(CheckRun& run) {
  kCheck(run, TableType::kFloat32);
}

// One dim for every way a kernel spreads rows of 16 bits over lanes: the rest is as in float32.
template <void (*kCheck)(CheckRun&, TableType)>
void in_16_bits(CheckRun& run) {
  std::vector<std::uint32_t> dims;
  for (const std::uint32_t dim : {3u, 33u, 128u, 200u, 512u, 1024u}) {
    if (std::ranges::find(run.dims, dim) != run.dims.end()) dims.push_back(dim);
  }
  for (const TableType type : kRoundedTypes) {
    const Checker::Scope scope(table_type_name(type));
    CheckRun of_type{run.backend, run.check, dims, run.thorough, run.random};
    kCheck(of_type, type);
  }
}

// Updates that float32 computes without rounding, so that every stored bit is known.
void rating_step_draws_the_documented_bits(CheckRun& run);
void update_rows_draws_the_documented_bits(CheckRun& run);
void update_rows_stores_what_is_no_number(CheckRun& run);

// The mean over many roundings of one small SGD step is the float32 step.
void update_rows_keeps_small_updates_on_average(CheckRun& run);

}  // namespace unfold::selfcheck
