// Checks of sampled_softmax with SharedNegatives::fused.
#pragma once

#include "host/selfcheck/checks.hpp"

namespace unfold::selfcheck {

// Every dim, and sizes below, at and above what a block works on together.
void sampled_softmax_fuses_scores(CheckRun& run);

// Queries that do not fit at once, and negatives that several blocks share.
void sampled_softmax_fuses_in_chunks_and_parts(CheckRun& run);

// Users who know some, none or all of the negatives, and queries without any.
void sampled_softmax_fuses_what_is_known(CheckRun& run);

// Products of small integers: losses and scores keep all digits of float32, large ones too.
void sampled_softmax_fuses_without_rounding_scores(CheckRun& run);

}  // namespace unfold::selfcheck
