// A set of rows as a bit for each, to find out fast which of many others may be in it (a Bloom filter of one hash).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "unfold/op_arguments.hpp"

namespace unfold::cpu {

class RowFilter {
 public:
  // `find` may write this many rows past those that it found.
  static constexpr std::size_t kSlack = 64;
  // Which bit stands for a row: the highest 32 - shift of a Fibonacci hash (Knuth, TAOCP 3, section 6.4).
  static constexpr std::uint32_t kHash = 0x9E3779B1u;
  static constexpr std::uint32_t bit_of(Row row, int shift) { return (row * kHash) >> shift; }

  RowFilter() = default;
  // Marks the rows in bits [n_words(rows.size())].
  RowFilter(std::span<const Row> rows, std::uint32_t* bits);
  static std::uint64_t n_words(std::uint64_t n_rows) {
    return std::bit_ceil(std::clamp<std::uint64_t>(4 * n_rows, 2, kMostWords));
  }

  // Copies those of `rows` that may be in the set to `out` [rows.size() + kSlack], in order, and returns how many: all
  // that are in it, and one in 128 or fewer of the others (more where the set has over 2^24 rows). So few that a vector
  // of rows seldom has one.
  std::size_t find(std::span<const Row> rows, Row* out) const;

 private:
  static constexpr std::uint64_t kMostWords = std::uint64_t{1} << 26;  // of 32 bits, four for each row up to here
  const std::uint32_t* bits_ = nullptr;
  int shift_ = 0;  // see bit_of
};

}  // namespace unfold::cpu
