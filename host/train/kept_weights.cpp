#include "host/train/kept_weights.hpp"

namespace unfold {

KeptWeights::KeptWeights(const Arena& arena, const std::vector<TableView>& tables)
    : backend_(arena.backend()), tables_(tables) {
  const char* const name = "the best epoch's weights";
  for (const TableView& table : tables_) copies_.push_back(arena.array<std::byte>(name, table.bytes()));
  n_not_finite_ = arena.array<std::uint64_t>(name, 1);
}

bool KeptWeights::keep() {
  n_not_finite_.zero();
  for (const TableView& table : tables_) {
    backend_.run(CountNotFinite{.table = table, .count = n_not_finite_.data()});
  }
  std::uint64_t n_not_finite = 0;
  n_not_finite_.download({&n_not_finite, 1});
  if (n_not_finite > 0) return false;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    backend_.copy_on_device(copies_[t].data(), tables_[t].data, copies_[t].bytes());
  }
  return true;
}

void KeptWeights::restore() {
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    backend_.copy_on_device(tables_[t].data, copies_[t].data(), copies_[t].bytes());
  }
}

}  // namespace unfold
