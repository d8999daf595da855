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

#define UNFOLD_OP(Op)
#include "unfold/ops.def"
#undef UNFOLD_OP
