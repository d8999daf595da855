// Every op of ops.def.
//
// Tables. Embeddings are float32, float16 or bfloat16 (table_view.hpp) where an op has a ConstTableView or a
// ParameterView; everything else is float32, and so is all arithmetic. What a training op writes to a 16-bit table is
// rounded stochastically, with the random bits that rounding_bits (optimizer.hpp) names.
//
// Conventions. Every pointer is into the backend's own memory (Backend::allocate). Arrays do not overlap. Rows are in
// range (the data layer guarantees it; ops do not check). An op allocates nothing. A contract's lines: Formula, Order
// of sums and what of the result depends on it, Throws, Work and Bytes (what the op must compute and move), Workspace
// (what its size is asked by, where there is one), Source.
#pragma once

#include "unfold/ops/draw_negatives.hpp"
#include "unfold/ops/lookup_rows.hpp"
#include "unfold/ops/mixed_log_counts.hpp"
#include "unfold/ops/pool_rows.hpp"
#include "unfold/ops/predict_ratings.hpp"
#include "unfold/ops/rank_targets.hpp"
#include "unfold/ops/rating_error_sums.hpp"
#include "unfold/ops/rating_gradients.hpp"
#include "unfold/ops/rating_step.hpp"
#include "unfold/ops/sampled_softmax.hpp"
#include "unfold/ops/select_negatives.hpp"
#include "unfold/ops/top_k.hpp"
#include "unfold/ops/transform_rows.hpp"
#include "unfold/ops/update_rows.hpp"
