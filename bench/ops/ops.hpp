// The list of ops that are timed: each registers its benchmarks once the device is chosen.
#pragma once

namespace unfold::bench {

void register_draw_negatives();
void register_lookup_rows();
void register_pool_rows();
void register_rating_step();
void register_sampled_softmax();
void register_select_negatives();
void register_top_k();
void register_update_rows();
void register_update_rows_atomic();

}  // namespace unfold::bench
