#include "host/score/pair_walk.hpp"

#include <numeric>

namespace unfold {

PairWalk::PairWalk(const Arena& arena, const std::string& name, const Scorer& scorer)
    : users_(arena.array<Row>(name, scorer.n_items())),
      scores_(arena.array<float>(name, scorer.n_items())),
      host_users_(scorer.n_items()),
      host_scores_(scorer.n_items()) {
  std::iota(host_users_.begin(), host_users_.end(), 0u);
  items_ = arena.array<Row>(name, host_users_);
}

std::span<float> PairWalk::scores_of(Scorer& scorer, Row user) {
  host_users_.assign(host_users_.size(), user);
  users_.upload(host_users_);
  scorer.score_pairs(users_.data(), items_.data(), items_.size(), scores_.data());
  scores_.download(host_scores_);
  return host_scores_;
}

}  // namespace unfold
