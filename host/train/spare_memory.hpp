// What a run is faster with and can do without.
#pragma once

#include <utility>

#include "host/tables/arena.hpp"
#include "unfold/memory_plan.hpp"

namespace unfold {

// Adds to `plan` what `take(arena)` asks an arena for, if the device has memory of its own and that leaves a sixteenth
// of what is free to what no plan knows: code that the driver loads, and what else runs there. Whether it was added.
template <typename Take>
bool add_where_it_fits(Backend& backend, MemoryPlan& plan, Take&& take) {
  if (!backend.has_own_memory()) return false;
  MemoryPlan with = plan;
  take(Arena(backend, with));
  if (with.device_bytes() > plan.device_free - plan.device_free / 16) return false;
  plan = std::move(with);
  return true;
}

// Adds take(arena, true) where it fits, else take(arena, false). Which.
template <typename Take>
bool plan_faster(Backend& backend, MemoryPlan& plan, const Take& take) {
  if (add_where_it_fits(backend, plan, [&](const Arena& arena) { take(arena, true); })) return true;
  take(Arena(backend, plan), false);
  return false;
}

}  // namespace unfold
