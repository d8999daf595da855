// The best epoch is the one that the run leaves, whether it was kept on the device or on the host.
#include "host/train/best_model.hpp"

#include <string>
#include <vector>

#include "host/tables/parameter_table.hpp"
#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/random.hpp"
#include "unfold/train.hpp"

namespace unfold::test {
namespace {

constexpr std::uint32_t kKeptUsers = 60, kKeptItems = 40;

struct KeptParts {
  Columns train, held_out;
  KeptParts() {
    for (Row user = 0; user < kKeptUsers; ++user) {
      for (Row item = 0; item < kKeptItems; ++item) {
        const RandomBlock random = philox(31, user, item);
        if (random.v[0] % 4 > 1) continue;
        const float rating = (user % 2 == item % 2 ? 3.0f : 1.0f) + static_cast<float>(random.v[1] % 3);
        (random.v[0] % 4 == 0 ? train : held_out).add(user, item, rating);
      }
    }
  }
};

class KeptWeightsParity : public BackendParity {};

TEST_P(KeptWeightsParity, ComeBackAsTheyWereAndAreFinite) {
  const Arena arena(backend());
  const ParameterTable matrix(arena, "m", 37, 5, TableType::kBfloat16, OptimizerKind::kSgd);
  const ParameterTable vector = ParameterTable::vector(arena, "v", 23, OptimizerKind::kSgd);
  const ParameterTable none = ParameterTable::vector(arena, "n", 0, OptimizerKind::kSgd);
  const std::vector<Row> rows = {0, 1, 2, 30, 36};
  matrix.initialize(backend(), rows, 1, 7, RandomPurpose::kInitUser);
  const std::vector<float> values(23, 1.5f);
  backend().copy_to_device(vector.view().weight.data, values.data(), sizeof(float) * values.size());
  const auto download = [&] {
    TensorSet tensors;
    matrix.download(backend(), tensors);
    vector.download(backend(), tensors);
    return tensors;
  };
  KeptWeights kept(arena, {matrix.view().weight, vector.view().weight, none.view().weight});
  ASSERT_TRUE(kept.keep());
  const TensorSet before = download();
  const float infinity = std::numeric_limits<float>::infinity();
  float* const last = vector.view().weight.as<float>().data + 22;
  backend().copy_to_device(last, &infinity, sizeof(float));
  backend().fill_zero(matrix.view().weight.data, matrix.view().weight.bytes());
  EXPECT_FALSE(kept.keep()) << "an infinity is not kept";
  EXPECT_NE(download(), before);
  kept.restore();
  EXPECT_EQ(download(), before);
  EXPECT_TRUE(kept.keep());
}

// Few ratings, two groups and much noise: what is learned after a few epochs is overfitted.
TEST_P(KeptWeightsParity, TheEpochThatValidationChoseIsLeft) {
  const KeptParts parts;
  for (const std::string model : {"mf", "softmax"}) {
    const auto family = make_family(model);
    family->set("dim", "6");
    family->set("schedule", "constant");
    family->set("patience", "0");
    if (model == "mf") family->set("deterministic", "true");
    if (model == "mf") family->set("l2", "0");
    if (model == "softmax") family->set("n-negatives", "20");
    family->run().learning_rate = model == "mf" ? 0.1 : 0.05;
    family->run().epochs = 12;
    family->run().batch_size = 64;
    bool keeps_on_device = false;
    TrainCallbacks callbacks;
    callbacks.plan = [&](const MemoryPlan& plan) {
      keeps_on_device = plan.to_string().find("the best epoch's weights") != std::string::npos;
    };
    const TrainData data{parts.train.view(), parts.held_out.view(), kKeptUsers, kKeptItems};
    const TrainResult result = train(backend(), data, *family, callbacks);
    EXPECT_EQ(keeps_on_device, backend().has_own_memory());
    ASSERT_TRUE(result.validated);
    ASSERT_LT(result.best_epoch, 12u) << model;
    ASSERT_GT(result.best_epoch, 1u) << model;
    // The same as a run of so many epochs.
    family->run().epochs = result.best_epoch;
    const TrainResult direct = train(backend(), {data.train, {}, kKeptUsers, kKeptItems}, *family, {});
    EXPECT_EQ(result.model.tensors, direct.model.tensors) << model;

    // And what is left of a run that is interrupted later on.
    family->run().epochs = 12;
    std::uint32_t n_ended = 0;
    callbacks.evaluation = [&](const nlohmann::ordered_json&) { ++n_ended; };
    callbacks.stop = [&] { return n_ended > result.best_epoch; };
    const TrainResult interrupted = train(backend(), data, *family, callbacks);
    EXPECT_EQ(interrupted.outcome, TrainOutcome::kInterrupted);
    EXPECT_EQ(interrupted.best_epoch, result.best_epoch);
    EXPECT_EQ(interrupted.model.tensors, direct.model.tensors) << model;
  }
}

UNFOLD_FOR_EVERY_BACKEND(KeptWeightsParity);

#if defined(UNFOLD_WITH_EMULATOR)
TEST(BestModel, StaysOnTheHostWhereTheDeviceHasNoRoomForIt) {
  const auto backend = make_emulated_backend();
  const KeptParts parts;
  const auto family = make_family("mf");
  family->set("dim", "6");
  MemoryPlan of_model;
  const SeenItems seen;
  const TrainData data{parts.train.view(), {}, kKeptUsers, kKeptItems};
  const auto model = family->make(Arena(*backend, of_model), {data, data.train, {}, {}, seen, {100}});
  const auto planned = [&](std::uint64_t free) {
    MemoryPlan plan;
    plan.device_free = free;
    const bool keeps_on_device = BestModel::plan(*backend, plan, *model);
    EXPECT_EQ(plan.device_bytes() > 0, keeps_on_device);
    EXPECT_EQ(plan.host_bytes(), (keeps_on_device ? 1 : 2) * model->host_bytes());
    return std::pair(keeps_on_device, plan.device_bytes());
  };
  const auto [keeps, bytes] = planned(1 << 30);
  EXPECT_TRUE(keeps);
  EXPECT_EQ(bytes, 4u * (8 * (kKeptUsers + kKeptItems) + kKeptUsers + kKeptItems) + 8) << "rows of 8, and a count";
  EXPECT_FALSE(planned(bytes).first) << "a sixteenth is left to others";
}
#endif

}  // namespace
}  // namespace unfold::test
