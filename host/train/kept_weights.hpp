// The weights of the best epoch so far, in the backend's memory: kept in no more time than a copy on the device takes,
// and brought to the host once, when the run ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/tables/arena.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

class KeptWeights {
 public:
  // `tables` outlive this.
  KeptWeights(const Arena& arena, const std::vector<TableView>& tables);

  // Copies the tables as they are, if all their numbers are finite; else what was kept stays. Whether it copied.
  bool keep();
  // Copies what was kept back to the tables. Requires that keep() has copied once.
  void restore();

 private:
  Backend& backend_;
  std::vector<TableView> tables_;
  std::vector<DeviceArray<std::byte>> copies_;
  DeviceArray<std::uint64_t> n_not_finite_;
};

}  // namespace unfold
