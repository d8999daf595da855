// Leave-one-out with given negatives (He et al., Neural Collaborative Filtering, WWW 2017). Each line is one case: a
// user, the one relevant item, and the items it competes with.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/eval/candidate_file.hpp"
#include "host/eval/metrics.hpp"
#include "unfold/error.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

// Candidates scored at once: 24 MiB of scratch, both sides of the copies.
constexpr std::uint64_t kCandidatesAtOnce = std::uint64_t{1} << 20;

// Cases waiting to be scored: case c is the pairs [ends[c - 1], ends[c]), its relevant item first.
struct Cases {
  std::vector<Row> users, items;
  std::vector<std::uint64_t> ends;

  void append(Row user, Row relevant, const std::vector<Row>& negatives) {
    items.push_back(relevant);
    items.insert(items.end(), negatives.begin(), negatives.end());
    users.resize(items.size(), user);
    ends.push_back(items.size());
  }
  void clear() {
    users.clear();
    items.clear();
    ends.clear();
  }
};

// 1 + negatives that score at least as high as the first. Where the first is no number, it is last; a negative that
// is none is before nothing.
template <typename Score>
std::uint32_t rank_of_first(const Score* scores, std::uint64_t n) {
  if (std::isnan(static_cast<double>(scores[0]))) return static_cast<std::uint32_t>(n);
  const auto before = [first = scores[0]](Score score) { return score >= first; };
  return static_cast<std::uint32_t>(1 + std::count_if(scores + 1, scores + n, before));
}

class CandidateRanker {
 public:
  CandidateRanker(Backend& backend, Scorer& scorer, const SeenItems& seen, const EvaluateOptions& options)
      : backend_(backend),
        scorer_(scorer),
        counts_(seen.item_counts(scorer.n_items())),
        model_means_(options.cutoffs),
        popularity_means_(options.cutoffs) {}

  void rank(const Cases& cases) {
    score(cases);
    std::uint64_t begin = 0;
    std::vector<std::uint64_t> popularity;
    for (const std::uint64_t end : cases.ends) {
      popularity.clear();
      for (std::uint64_t n = begin; n < end; ++n) {
        popularity.push_back(cases.items[n] == kNoRow ? 0 : counts_[cases.items[n]]);
      }
      const std::uint32_t by_model = rank_of_first(scores_.data() + begin, end - begin);
      const std::uint32_t by_popularity = rank_of_first(popularity.data(), end - begin);
      model_means_.add_user({&by_model, 1});
      popularity_means_.add_user({&by_popularity, 1});
      begin = end;
    }
  }

  RankingMetrics model_metrics() const { return model_means_.means(); }
  RankingMetrics popularity_metrics() const { return popularity_means_.means(); }

 private:
  void score(const Cases& cases) {
    const std::uint64_t n = cases.items.size();
    if (n > users_.size()) {
      users_ = DeviceArray<Row>(backend_, n);
      items_ = DeviceArray<Row>(backend_, n);
      device_scores_ = DeviceArray<float>(backend_, n);
    }
    scores_.resize(n);
    users_.upload(cases.users);
    items_.upload(cases.items);
    scorer_.score_pairs(users_.data(), items_.data(), n, device_scores_.data());
    device_scores_.download(scores_);
  }

  Backend& backend_;
  Scorer& scorer_;
  std::vector<std::uint64_t> counts_;
  MetricMeans model_means_, popularity_means_;
  DeviceArray<Row> users_, items_;
  DeviceArray<float> device_scores_;
  std::vector<float> scores_;
};

// The rows of a line's negatives: each known item once, without those that the user has in training or validation;
// those unknown all stay.
void find_negatives(const CandidateLine& line, const Model& model, Row user, Row relevant, std::vector<Row>& rows,
                    std::uint64_t& n_unknown) {
  rows.clear();
  for (const std::string_view id : line.negatives) {
    const Row row = model.item_ids.find(id);
    if (!model.seen.contains(user, row) && !model.seen.validation.contains(user, row)) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  const auto unknown = std::lower_bound(rows.begin(), rows.end(), kNoRow);
  n_unknown += static_cast<std::uint64_t>(rows.end() - unknown) + (relevant == kNoRow ? 1 : 0);
  rows.erase(std::unique(rows.begin(), unknown), unknown);
}

}  // namespace

Evaluation evaluate_candidates(Backend& backend, Scorer& scorer, const Model& model, const std::filesystem::path& file,
                               const EvaluateOptions& options) {
  CandidateReader reader(file);
  CandidateRanker ranker(backend, scorer, model.seen, options);
  Evaluation evaluation;
  CandidateLine line;
  Cases cases;
  std::vector<Row> negatives;
  std::uint64_t n_without_negatives = 0;
  while (reader.read(line)) {
    ++evaluation.n_interactions;
    const Row user = model.user_ids.find(line.user);
    if (user == kNoRow) {
      ++evaluation.n_unknown_users;
      continue;
    }
    const Row relevant = model.item_ids.find(line.item);
    const bool is_trained = model.seen.contains(user, relevant);
    if (is_trained || model.seen.validation.contains(user, relevant)) {
      ++(is_trained ? evaluation.n_in_training : evaluation.n_in_validation);
      continue;
    }
    find_negatives(line, model, user, relevant, negatives, evaluation.n_unknown_items);
    if (negatives.empty()) {
      ++n_without_negatives;
      continue;
    }
    cases.append(user, relevant, negatives);
    if (cases.items.size() >= kCandidatesAtOnce) {
      ranker.rank(cases);
      cases.clear();
    }
  }
  if (evaluation.n_interactions == 0)
    throw DataError(fmt::format("{}: has no lines; a candidates file is needed", file.string()));
  ranker.rank(cases);
  evaluation.has_ranking = true;
  evaluation.ranking = ranker.model_metrics();
  evaluation.ranking_baseline = ranker.popularity_metrics();
  for (RankingMetrics* metrics : {&evaluation.ranking, &evaluation.ranking_baseline}) {
    metrics->n_users_skipped =
        evaluation.n_unknown_users + evaluation.n_in_training + evaluation.n_in_validation + n_without_negatives;
    metrics->n_test_in_training = evaluation.n_in_training;
    metrics->n_test_in_validation = evaluation.n_in_validation;
  }
  return evaluation;
}

}  // namespace unfold
