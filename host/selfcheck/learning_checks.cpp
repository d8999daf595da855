// The ops that learn from ratings, against the float64 reference.
#include <cmath>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"

namespace unfold::selfcheck {
namespace {

void rating_step_is_sequential_sgd_where_no_ratings_meet(CheckRun& run, TableType type) {
  constexpr std::uint64_t kUsers = 71, kItems = 83, kRatings = 64;
  for (const std::uint32_t dim : run.dims) {
    for (const OptimizerKind kind : kKinds) {
      for (const int variant : {0, 1, 2, 3}) {
        if ((dim > 200 || type != TableType::kFloat32) && variant != 3) continue;
        const Checker::Scope scope("dim {} kind {} bias {} range {}", dim, static_cast<int>(kind), variant % 2,
                                   variant / 2);
        TestModel model(run.backend, run.random, kUsers, kItems, dim, kind, type);
        ReferenceMf reference = model.reference();
        const RatingLoss loss = loss_of(variant % 2 == 1, variant / 2 == 1);
        const GuardedArray<double> error(run.backend, std::vector<double>{10});
        Bounded expected(10);
        for (int round = 0; round < 2; ++round) {  // the second from state that is not zero
          const HostBatch batch = random_batch(run.random, distinct_rows(run.random, kUsers, kRatings),
                                               distinct_rows(run.random, kItems, kRatings));
          const TestBatch device(run.backend, batch);
          run_rating_step(run.backend, model.parameters(), device.view(), loss, step_of(kind), error.data());
          expected = expected + reference_rating_step(reference, batch, loss, step_of(kind));
          model.set_reference(reference);
          if (round == 0 && type == TableType::kFloat32) continue;
          model.expect_equal();
          model.adopt_rounded_weights();
          reference = model.reference();
        }
        run.check.near(error.download()[0], expected, "squared error");
        if (run.check.failed()) return;
      }
    }
  }
}

void rating_step_without_learning_rate_or_ratings_changes_nothing(CheckRun& run, TableType type) {
  for (const OptimizerKind kind : kKinds) {
    TestModel model(run.backend, run.random, 20, 20, 33, kind, type);
    const std::vector<float> before = model.user_factors.weights();
    OptimizerStep step = step_of(kind);
    step.learning_rate = 0;
    const HostBatch batch =
        random_batch(run.random, random_rows(run.random, 20, 300), random_rows(run.random, 20, 300));
    const TestBatch device(run.backend, batch);
    const GuardedArray<double> error(run.backend, std::vector<double>{0});
    run_rating_step(run.backend, model.parameters(), device.view(), loss_of(true, true), step, error.data());
    run.check.that(same_bits(model.user_factors.weights(), before), "weights changed at learning rate 0");
    const double once = error.download()[0];
    run.check.that(once > 0, "no squared error was added");
    run_rating_step(run.backend, model.parameters(), {}, loss_of(true, true), step_of(kind), error.data());
    run.check.that(error.download()[0] == once, "an empty batch added to the squared error");
    run.check.that(same_bits(model.user_factors.weights(), before), "an empty batch changed weights");
  }
}

void rating_step_learns_tables_of_few_rows(CheckRun& run) {
  // 24 x 16 ratings of a planted model of dim 1: with thousands of ratings in flight nearly all updates would be lost.
  const HostTable user = random_table(run.random, 24, 1, 1), item = random_table(run.random, 16, 1, 1);
  HostBatch batch;
  for (std::uint64_t n = 0; n < 24 * 16; ++n) {
    batch.users.push_back(static_cast<Row>(n % 24));
    batch.items.push_back(static_cast<Row>(n / 24));
    batch.ratings.push_back(3 + user.at(n % 24, 0) * item.at(n / 24, 0));
  }
  TestModel model(run.backend, run.random, 24, 16, 4, OptimizerKind::kAdagrad);
  const TestBatch device(run.backend, batch);
  RatingLoss loss;
  loss.link.mean = 3;
  OptimizerStep step = step_of(OptimizerKind::kAdagrad);
  step.learning_rate = 0.1f;
  double rmse = 0;
  for (int epoch = 0; epoch < 60; ++epoch) {
    const GuardedArray<double> error(run.backend, std::vector<double>{0});
    run_rating_step(run.backend, model.parameters(), device.view(), loss, step, error.data());
    rmse = std::sqrt(error.download()[0] / static_cast<double>(batch.size()));
  }
  run.check.that(rmse < 0.1, "RMSE {} after 60 epochs, at most 0.1 expected", rmse);
}

// Batches of ratings in which every row has few, and in which some have about as many as a backend sums at a time.
std::vector<HostBatch> rating_batches(CheckRun& run, std::uint64_t n_users, std::uint64_t n_items) {
  std::vector<HostBatch> batches;
  for (const std::uint64_t n : {0u, 1u, 333u})
    batches.push_back(
        random_batch(run.random, random_rows(run.random, n_users, n), random_rows(run.random, n_items, n)));
  const std::vector<Row> few_users = rows_with_a_long_one(run.random, n_users);
  batches.push_back(random_batch(run.random, few_users, rows_with_a_long_one(run.random, n_items)));
  const std::vector<Row> users = skewed_rows(run.random, n_users), items = skewed_rows(run.random, n_items);
  batches.push_back(random_batch(run.random, users, items));
  return batches;
}

void rating_gradients_match_and_repeat_bit_for_bit(CheckRun& run, TableType type) {
  constexpr std::uint64_t kUsers = 19, kItems = 23;
  for (const std::uint32_t dim : run.dims) {
    for (const HostBatch& batch : rating_batches(run, kUsers, kItems)) {
      if (dim > 200 && batch.size() > 600) continue;
      for (const RatingSide side : {RatingSide::kUsers, RatingSide::kItems}) {
        const std::uint64_t n = batch.size();
        const Checker::Scope scope("dim {} ratings {} by {}", dim, n, side == RatingSide::kUsers ? "user" : "item");
        TestModel model(run.backend, run.random, kUsers, kItems, dim, OptimizerKind::kSgd, type);
        const std::uint32_t stride = run.backend.row_stride(dim, type);
        const TestBatch device(run.backend, batch);
        const RatingLoss loss = loss_of(dim % 2 == 0, dim % 3 == 0);
        const ReferenceGradients expected = reference_rating_gradients(model.reference(), batch, loss, side);
        const std::uint64_t n_rows = expected.rows.size();
        const bool by_user = side == RatingSide::kUsers;
        const TestSort sort(run.backend, by_user ? device.users.data() : device.items.data(), n,
                            by_user ? kUsers : kItems);
        std::vector<float> first_bits;
        for (int round = 0; round < 2; ++round) {
          const GuardedArray<float> by_score(run.backend, n), gradient(run.backend, n_rows * stride);
          const GuardedArray<float> bias(run.backend, std::vector<float>(n_rows));
          const GuardedArray<double> error(run.backend, std::vector<double>{0});
          run_op(run.backend, RatingGradients{.parameters = model.parameters(),
                                              .batch = device.view(),
                                              .loss = loss,
                                              .side = side,
                                              .sorted = sort.view(),
                                              .by_score = by_score.data(),
                                              .gradient = {gradient.data(), n_rows, dim, stride},
                                              .bias_gradient = bias.data(),
                                              .squared_error = error.data()});
          std::vector<float> bits = gradient.download();
          const std::vector<float> biases = bias.download(), scores = by_score.download();
          for (std::uint64_t r = 0; r < n_rows; ++r) {
            for (std::uint32_t k = 0; k < stride; ++k) {
              const Bounded value = k < dim ? expected.gradient[r * dim + k] : Bounded(0);
              if (!run.check.near(bits[r * stride + k], value, "row {} column {}", expected.rows[r], k)) return;
            }
            run.check.near(biases[r], expected.bias[r], "bias of row {}", expected.rows[r]);
          }
          for (std::uint64_t r = 0; r < n; ++r) run.check.near(scores[r], expected.by_score[r], "rating {}", r);
          const double sum = error.download()[0];
          run.check.near(sum, expected.squared_error, "squared error");
          for (const std::vector<float>* part : {&biases, &scores}) bits.insert(bits.end(), part->begin(), part->end());
          bits.resize(bits.size() + 2);
          std::memcpy(bits.data() + bits.size() - 2, &sum, sizeof(sum));
          if (round == 0) first_bits = bits;
          run.check.that(same_bits(first_bits, bits), "other bits the second time");
        }
      }
    }
  }
}

constexpr OpCheck kRatingStepChecks[] = {
    {"RatingStepIsSequentialSgdWhereNoRatingsMeet", in_float32<rating_step_is_sequential_sgd_where_no_ratings_meet>},
    {"RatingStepRoundsThatTo16Bits", in_16_bits<rating_step_is_sequential_sgd_where_no_ratings_meet>},
    {"RatingStepWithoutLearningRateOrRatingsChangesNothing",
     in_float32<rating_step_without_learning_rate_or_ratings_changes_nothing>},
    {"RatingStepWithoutLearningRateKeeps16Bits",
     in_16_bits<rating_step_without_learning_rate_or_ratings_changes_nothing>},
    {"RatingStepLearnsTablesOfFewRows", rating_step_learns_tables_of_few_rows},
    {"RatingStepDrawsTheDocumentedBits", rating_step_draws_the_documented_bits},
};
constexpr OpCheck kRatingGradientsChecks[] = {
    {"RatingGradientsMatchAndRepeatBitForBit", in_float32<rating_gradients_match_and_repeat_bit_for_bit>},
    {"RatingGradientsReads16Bits", in_16_bits<rating_gradients_match_and_repeat_bit_for_bit>},
};
}  // namespace

template <>
std::span<const OpCheck> checks_of<RatingStep>() {
  return kRatingStepChecks;
}

template <>
std::span<const OpCheck> checks_of<RatingGradients>() {
  return kRatingGradientsChecks;
}

}  // namespace unfold::selfcheck
