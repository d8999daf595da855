// The sort of a batch's rows, for the op and for launchers that need one of their own.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/launch.hpp"
#include "kernels/workspace.hpp"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

// Batches up to here are sorted by one block in one launch.
inline constexpr std::uint64_t kMostRowsOfABlock = 4096;

// What a longer batch needs beside the result.
struct SortScratch {
  std::uint32_t* numbers = nullptr;  // [n]
  std::span<std::byte> library;
};
SortScratch take_sort_scratch(Workspace& workspace, std::uint64_t n);
SortedRows take_sorted_rows(Workspace& workspace, std::uint64_t n);

// sorted.n > 0 rows, each below n_table_rows or kNoRow.
void sort_rows(const Launch& launch, const SortScratch& scratch, const Row* rows, std::uint64_t n_table_rows,
               const SortedRows& sorted);

}  // namespace unfold::cuda
