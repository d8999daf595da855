// Ratings sorted once into lists, for steps of several threads whose rows fit in their caches.
//
// Users fall into groups whose rows and optimizer state a core's second-level cache holds, n_parts groups at a time to
// a stage, and items into n_parts sets. A stage has n_parts rounds, in which part p takes the ratings of its group with
// the items of set (p + round) % n_parts: so the lists of a round share no rows (Gemulla, Nijkamp, Haas and Sismanis,
// KDD 2011), and the rows of a group's users come from the cache however many ratings they have. Within a list, ratings
// whose items share a block of rows, as much as a first-level cache holds, stand together, as they come in the data.
//
// That is the idea of LIBMF's blocks, whose ratings are sorted by user (Zhuang, Chin, Juan and Lin, A Fast Parallel SGD
// for Matrix Factorization in Shared Memory Systems, RecSys 2013), with lists that no thread waits for and with rows
// that are not updated twice in a row, which would have one update wait for the other.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/op_arguments.hpp"
#include "unfold/rating_source.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

class RatingLists {
 public:
  // Reads the ratings' ids once, if there is more than one list.
  RatingLists(const RatingView& ratings, const RatingCut& cut);

  std::uint32_t n_parts() const { return n_parts_; }
  std::uint64_t n_rounds() const { return n_stages_ * n_parts_; }  // of all stages
  std::uint64_t n_lists() const { return n_rounds() * n_parts_; }  // list round * n_parts + part
  std::uint64_t list_of(Row user, Row item) const {
    const Group& group = user_groups_[user / kTogether];
    const std::uint32_t set = item_sets_[item / kTogether];
    return group.first_list + (set + (set < group.part ? n_parts_ : 0) - group.part) * std::uint64_t{n_parts_};
  }

  // Where there is one list alone, the ratings may stay where they are.
  static bool is_one(const RatingCut& cut) { return n_stages(cut) == 1 && cut.n_parts == 1; }
  // Writes the ratings list after list to `out`, on up to n_parts threads. Where each list begins, and the last one
  // ends. Takes working_bytes of memory meanwhile.
  std::vector<std::uint64_t> write(const RatingView& ratings, const RatingArrays& out) const;
  static std::uint64_t working_bytes(std::uint64_t n_ratings, const RatingCut& cut);

 private:
  struct Group {
    std::uint64_t first_list = 0;  // of its part in its stage
    std::uint32_t part = 0;
  };
  // Rows that stay together, as in row_group of rating_cells.hpp.
  static constexpr std::uint64_t kTogether = 64;

  static std::uint64_t n_stages(const RatingCut& cut);
  void sort_list(std::uint64_t begin, std::uint64_t end, const RatingArrays& lists, struct ListBuffer& buffer) const;

  std::uint32_t n_parts_;
  std::uint64_t n_stages_, n_items_;
  std::uint64_t items_a_block_;
  std::vector<Group> user_groups_;
  std::vector<std::uint32_t> item_sets_;
};

}  // namespace unfold
