// Ops that read what changes from step to step where they run, against the same ops told of it when they are called.
#include "host/selfcheck/op_inputs.hpp"

namespace unfold::selfcheck {
namespace {

constexpr std::uint64_t kSeed = 11;
constexpr std::uint64_t kRowsOfStep = 40, kBatchRatings = 64;
constexpr std::uint32_t kColumns = 33;

// What a step's ops give.
struct StepOutputs {
  std::vector<float> weights, vectors, log_q;
  std::vector<Row> negatives;
  std::vector<double> losses;
};

// Ops on tables of `random`, told of the step by `optimizer`, `key` and `loss`.
StepOutputs run_ops(Backend& backend, std::mt19937_64 random, const OptimizerStep& optimizer, const RandomKey& key,
                    const StepVariables* now) {
  const TestModel model(backend, random, kRowsOfStep, kRowsOfStep, kColumns, optimizer.kind, TableType::kBfloat16);
  const TestBatch batch(backend, random_batch(random, distinct_rows(random, kRowsOfStep, kRowsOfStep),
                                              distinct_rows(random, kRowsOfStep, kRowsOfStep)));
  const std::uint32_t stride = model.user_factors.view().weight.stride;
  const GuardedArray<double> losses(backend, std::vector<double>(4, 0.5));
  const StepSum loss(losses.data(), now);
  StepOutputs out;

  run_op(backend, RatingStep{.parameters = model.parameters(),
                             .batch = batch.view(),
                             .loss = loss_of(true, false),
                             .step = optimizer,
                             .squared_error = loss});
  const GuardedArray<float> by_score(backend, kRowsOfStep), gradient(backend, kRowsOfStep * stride);
  const GuardedArray<float> bias_gradient(backend, kRowsOfStep);
  const TestSort sort(backend, batch.items.data(), kRowsOfStep, kRowsOfStep);
  const MatrixView<float> gradients{gradient.data(), kRowsOfStep, kColumns, stride};
  run_op(backend, RatingGradients{.parameters = model.parameters(),
                                  .batch = batch.view(),
                                  .loss = loss_of(true, false),
                                  .side = RatingSide::kItems,
                                  .sorted = sort.view(),
                                  .by_score = by_score.data(),
                                  .gradient = gradients,
                                  .bias_gradient = bias_gradient.data(),
                                  .squared_error = loss});
  run_op(backend, UpdateRows{.table = model.item_factors.view(),
                             .sorted = sort.view(),
                             .gradient = {.rows = gradients, .is_summed = true},
                             .step = optimizer});
  const GuardedArray<float> vectors(backend, kRowsOfStep * stride), scale(backend, kRowsOfStep);
  const RowTransform dropped{.dropout = 0.5f, .dropout_key = key};
  run_op(backend, LookupRows{.table = model.user_factors.view().weight,
                             .rows = batch.users.data(),
                             .n_rows = kRowsOfStep,
                             .out = {vectors.data(), kRowsOfStep, kColumns, stride},
                             .transform = dropped,
                             .scale = scale.data()});
  run_op(backend, TransformRowsGradient{.transform = dropped,
                                        .vectors = {vectors.data(), kRowsOfStep, kColumns, stride},
                                        .scale = scale.data(),
                                        .gradient = gradients});
  const GuardedArray<Row> negatives(backend, kBatchRatings), kept(backend, kRowsOfStep);
  const GuardedArray<std::uint64_t> rejected(backend, std::vector<std::uint64_t>{0});
  run_op(backend, DrawNegatives{.sampler = {.n_items = kRowsOfStep},
                                .key = key,
                                .n_queries = 1,
                                .n_negatives = kBatchRatings,
                                .negatives = negatives.data(),
                                .n_rejected = rejected.data()});
  const GuardedArray<float> log_q(backend, kRowsOfStep);
  run_op(backend, SelectNegatives{.batch = {.queries = {vectors.data(), kRowsOfStep, kColumns, stride}},
                                  .pool = {.rows = negatives.data(),
                                           .n = kRowsOfStep,
                                           .vectors = {vectors.data(), kRowsOfStep, kColumns, stride}},
                                  .hardness = {.kind = HardnessKind::kScoreWeighted, .n_kept = 1, .key = key},
                                  .rows = kept.data(),
                                  .log_count = log_q.data()});
  out.weights = model.user_factors.weights();
  for (const auto& more : {model.item_factors.weights(), gradient.download()})
    out.weights.insert(out.weights.end(), more.begin(), more.end());
  out.vectors = vectors.download();
  out.negatives = negatives.download();
  const std::vector<Row> chosen = kept.download();
  out.negatives.insert(out.negatives.end(), chosen.begin(), chosen.end());
  out.log_q = log_q.download();
  out.losses = losses.download();
  return out;
}

void set_step_is_what_ops_read_when_they_run(CheckRun& run) {
  const GuardedArray<StepVariables> now(run.backend, std::vector<StepVariables>(1));
  for (const OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kAdam}) {
    for (const std::uint64_t step_number : {std::uint64_t{3}, (std::uint64_t{5} << 32) + 7}) {
      const Checker::Scope scope("kind {} step {}", static_cast<int>(kind), step_number);
      const StepVariables values = step_variables(kSeed, step_number, 2, 0.03f, 0.7f);
      OptimizerStep at_call{.kind = kind}, at_run{.kind = kind};
      at_call.learning_rate = 0.03f;
      at_call.beta1 = 0.7f;
      at_call.rounding_key = values.rounding_keys[1];
      at_run.now = now.data();
      at_run.rounding_table = 1;
      run.backend.run(SetStep{.values = values, .now = now.data()});
      const RandomKey key = at_step(RandomKey{kSeed, 0, 5, &values});
      const StepOutputs expected = run_ops(run.backend, run.random, at_call, {key.seed, key.step, 5}, nullptr);
      const StepOutputs got = run_ops(run.backend, run.random, at_run, {kSeed, 0, 5, now.data()}, now.data());
      run.check.that(same_bits(got.weights, expected.weights), "weights");
      run.check.that(same_bits(got.vectors, expected.vectors), "vectors");
      run.check.that(got.negatives == expected.negatives, "negatives");
      run.check.that(same_bits(got.log_q, expected.log_q), "log counts");
      const std::vector<double> losses = {0.5, 0.5, expected.losses[0], 0.5};
      run.check.that(expected.losses[0] != 0.5 && got.losses == losses, "losses");
    }
  }
}

constexpr OpCheck kSetStepChecks[] = {
    {"SetStepIsWhatOpsReadWhenTheyRun", set_step_is_what_ops_read_when_they_run},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<SetStep>() {
  return kSetStepChecks;
}

}  // namespace unfold::selfcheck
