// All items' scores of one user after another, pair by pair: what ranks items where scores are no products.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/tables/arena.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

class PairWalk {
 public:
  PairWalk(const Arena& arena, const std::string& name, const Scorer& scorer);

  // [n_items], on the host; holds until the next call.
  std::span<float> scores_of(Scorer& scorer, Row user);

 private:
  DeviceArray<Row> users_, items_;
  DeviceArray<float> scores_;
  std::vector<Row> host_users_;
  std::vector<float> host_scores_;
};

}  // namespace unfold
