// The options of model softmax, and what has to hold between them.
#include <fmt/format.h>

#include <string_view>

#include "host/models/softmax/negative_spec.hpp"
#include "host/models/softmax/softmax_family.hpp"
#include "host/text/parse_float.hpp"
#include "unfold/error.hpp"
#include "unfold/op_arguments.hpp"

namespace unfold {
namespace {

const Allowed kShare{.least = 0, .most = 1, .excludes_most = true};

void add_model_options(SoftmaxOptions& o, std::vector<Option>& options) {
  const auto add = [&](auto& field, const char* name, Allowed allowed, const char* help) {
    options.push_back({name, OptionGroup::kModel, &field, std::move(allowed), help});
  };
  add(o.no_bias, "no-bias", {}, "leave out the biases of items");
  add(o.score, "score", {.words = {"cosine", "dot"}}, "of a query and an item; dot: the product of the embeddings");
  add(o.loss, "loss", {.words = {"softmax", "bsl", "bpr"}},
      "softmax: sampled softmax; bsl: bilateral, the negatives' side weighted by negative-weight, or at a temperature "
      "of its own; bpr: pairwise");
  add(o.temperature, "temperature", Allowed::from(0),
      "scores are divided by it, lower looks at harder negatives; 0: of cosines 1.4 / (number of items)^(1/4) up to "
      "0.3, of products 1");
  add(o.learn_temperature, "learn-temperature", {}, "train the temperature too, beginning with the given one");
  add(o.positive_temperature, "positive-temperature", Allowed::from(0),
      "bsl: that of the positive's side; 0: the same");
  add(o.negative_weight, "negative-weight", Allowed::over(0), "bsl: weight of the negatives' side");
  add(o.positive_in_denominator, "positive-in-denominator", {},
      "count the positive among the terms of the denominator, as the exact softmax does");
  add(o.denominator_items, "denominator-items", {},
      "with positive-in-denominator: the negatives together count as this many items; "
      "few care for the whole list, many for its head; 0: as all items");
  add(o.positive_from, "positive-from", {},
      "ratings from X on are positives, lower ones say no (in validation and test too); "
      "empty: those above 0 where some ratings are 0 or below, else all");
  add(o.rating_weight, "rating-weight", Allowed::over(0),
      "a positive counts this factor more for each standard deviation that its rating is above the mean; 1: all alike");
  add(o.user_balance, "user-balance", Allowed::between(0, 1),
      "a positive counts (its user's number of positives)^-X; 0: positives alike, 1: users alike");
  add(o.weight_rank, "weight-rank", Allowed::between(0, kMaxTopK),
      "weigh positives by how near they are to the user's top K, with this K (SL@K); 0: all alike");
  add(o.weight_temperature, "weight-temperature", Allowed::over(0), "how sharp that weight is");
  add(o.dropout, "dropout", kShare, "share of the query vector's elements dropped in training");
  add(o.score_type, "score-type", {.words = {"float32", "bfloat16"}},
      "what the products of shared negatives are rounded to while training, with sums in float32: bfloat16 uses tensor "
      "cores on CUDA, where it halves their traffic, and on the CPU AMX or AVX512_BF16 where there is one");
  add(o.fused_softmax, "fused-softmax", {},
      "with score-type bfloat16, experimental: on CUDA, scores are computed where they are used and never kept "
      "(dim up to 256, no bpr, no hard or own negatives; else it changes nothing)");
}

void add_negative_options(SoftmaxOptions& o, std::vector<Option>& options) {
  const auto add = [&](auto& field, const char* name, Allowed allowed, const char* help) {
    options.push_back({name, OptionGroup::kNegatives, &field, std::move(allowed), help});
  };
  add(o.negatives, "negatives", {},
      "uniform, popularity:ALPHA, in-batch, mixed:FRACTION or full; hard ones: hard:M/N, score-weighted:M/N, "
      "adaptive:M/N, mined:M/K or disliked:M; both: uniform+hard:8/256 (docs/negatives.md)");
  add(o.n_negatives, "n-negatives", Allowed::between(1, 1u << 20), "random negatives that a batch shares");
  add(o.own_negatives, "own-negatives", {},
      "n-negatives random ones for each positive instead (with hard ones: candidates for each positive)");
  add(o.hard_warmup, "hard-warmup", kShare, "share of the run before hardness sets in");
  add(o.hard_weight, "hard-weight", Allowed::over(0), "how many negatives a hard one counts as");
  add(o.hard_temperature, "hard-temperature", Allowed::over(0),
      "score-weighted: candidates are drawn ~ exp(score / T)");
  add(o.adaptive_alpha, "adaptive-alpha", {}, "adaptive: a of the target score b (s + a)^(p + 1)");
  add(o.adaptive_beta, "adaptive-beta", Allowed::over(0), "adaptive: b of it");
  add(o.adaptive_power, "adaptive-power", {},
      "adaptive: p of it; below -1 the target falls as the positive's score s rises");
  add(o.mined_skip, "mined-skip", {}, "mined: best items passed over, for they may be positives that nobody recorded");
  add(o.refresh_epochs, "refresh-epochs", Allowed::from(1),
      "epochs between searches for users' best items (mined, weight-rank)");
}

void require(bool ok, std::string_view name, const auto& value, std::string_view allowed) {
  if (!ok) throw UsageError(fmt::format("--{} {}: {}", name, value, allowed));
}

void check_negatives(const SoftmaxOptions& o) {
  const NegativeSpec negatives = NegativeSpec::parse(o.negatives);
  if (negatives.hard == HardNegatives::kMined) {
    require(o.mined_skip + std::uint64_t{negatives.n_candidates} <= kMaxTopK, "mined-skip", o.mined_skip,
            fmt::format("with K of mined:M/K it may come to {}", kMaxTopK));
  }
  const bool needs_draws = negatives.random == RandomNegatives::kInBatch ||
                           negatives.random == RandomNegatives::kMixed || negatives.random == RandomNegatives::kFull;
  require(!(o.own_negatives && needs_draws && negatives.hard == HardNegatives::kNone), "own-negatives", o.own_negatives,
          "in-batch, mixed and full negatives are shared by nature; leave it out");
}

}  // namespace

SoftmaxFamily::SoftmaxFamily() {
  own.dim = 64;
  run_.epochs = 80;
  run_.optimizer = "adam";
  run_.learning_rate = 0.01;
  run_.schedule = "cosine";
  run_.beta2 = 0.999;
  run_.patience = 20;
}

std::vector<Option> SoftmaxFamily::options() {
  std::vector<Option> options;
  add_embedding_options(own, options);
  add_model_options(own, options);
  add_negative_options(own, options);
  add_batch_options(run_, options);
  options.push_back({"l2", OptionGroup::kOptimizer, &own.l2, Allowed::from(0),
                     "score dot: L2 penalty that a positive puts on its two embeddings, "
                     "and each shared negative on its own"});
  add_run_options(run_, options);
  add_residency_option(run_, options);
  return options;
}

void SoftmaxFamily::check() const {
  require(own.positive_from.empty() || parse_float(own.positive_from), "positive-from", own.positive_from,
          "use a rating, such as 4, or nothing to have it taken from the scale");
  require(own.denominator_items == 0 || (own.positive_in_denominator && own.loss != "bpr"), "denominator-items",
          own.denominator_items, "it weighs negatives against the positive: add --positive-in-denominator, and no bpr");
  require(own.l2 == 0 || own.score == "dot", "l2", own.l2,
          "a cosine does not feel an L2 penalty; use --dropout and 0 here, or --score dot");
  require(!own.fused_softmax || own.score_type == "bfloat16", "fused-softmax", own.fused_softmax,
          "it multiplies vectors in bfloat16: add --score-type bfloat16");
  check_negatives(own);
}

}  // namespace unfold
