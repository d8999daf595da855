// The k best items of every user of a model, in the backend's memory, brought up to date now and then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/score/block_walk.hpp"

namespace unfold {

class BestItems {
 public:
  // `name` of the lists in the plan. Nothing is ever searched for where `is_searched` is false.
  BestItems(const Arena& arena, const std::string& name, const Scorer& scorer, std::uint32_t k, RowLists excluded,
            bool is_searched);

  // Every user's best items as of now, without the excluded ones; kNoRow where fewer are left.
  void find(Scorer& scorer);

  std::uint32_t k() const { return k_; }
  DeviceArray<Row>& items() { return items_; }                  // [n_users, k]
  const DeviceArray<float>& scores() const { return scores_; }  // [n_users, k]

 private:
  Backend& backend_;
  std::uint32_t k_;
  DeviceArray<Row> items_;
  DeviceArray<float> scores_;
  std::optional<BlockWalk> walk_;
};

}  // namespace unfold
