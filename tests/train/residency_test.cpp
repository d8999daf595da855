// --resident: where a run's ratings are, and that it changes nothing else.
#include "host/train/residency.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/item_groups.hpp"
#include "unfold/random.hpp"
#include "unfold/train.hpp"

namespace unfold::test {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kPlacedUsers = 60, kPlacedItems = 40;

// Some 600 pairs, rated 1 to 5.
Columns placed_ratings() {
  Columns columns;
  for (Row user = 0; user < kPlacedUsers; ++user) {
    for (Row item = 0; item < kPlacedItems; ++item) {
      const RandomBlock random = philox(23, user, item);
      if (random.v[0] % 4 == 0) columns.add(user, item, static_cast<float>(1 + random.v[1] % 5));
    }
  }
  return columns;
}

ItemGroups thirds() {
  std::vector<std::string> names;
  for (Row item = 0; item < kPlacedItems; ++item) names.push_back(std::string(1, static_cast<char>('a' + item % 3)));
  return make_item_groups(names);
}

TEST(Residency, GivesTheBitsOfAStream) {
  const Columns columns = placed_ratings();
  const ItemGroups groups = thirds();
  const TrainData data{columns.view(), {}, kPlacedUsers, kPlacedItems, &groups};
  for (const char* const backend_name : kBackends) {
    if (std::string(backend_name) == "Cuda") continue;  // the same code as the emulated one
    for (const std::string model : {"mf", "softmax"}) {
      for (const bool is_grouped : {false, true}) {
        const auto family = make_family(model);
        family->set("dim", "6");
        if (model == "mf") family->set("deterministic", "true");
        if (model == "softmax") family->set("n-negatives", "20");
        if (model == "softmax") family->set("user-balance", "0.5");  // gives weights
        family->run().epochs = 3;
        family->run().batch_size = 100;
        family->run().group_batches = is_grouped;
        std::vector<Model> models;
        for (const char* const resident : {"never", "auto"}) {
          family->run().resident = resident;
          const auto backend = backend_or_skip(backend_name);
          models.push_back(train(*backend, data, *family, {}).model);
          EXPECT_GE(models.back().history.back().at("wait_share"), 0);
          EXPECT_LT(models.back().history.back().at("wait_share"), 1);
        }
        EXPECT_EQ(models[0].tensors, models[1].tensors) << backend_name << ' ' << model << ' ' << is_grouped;
        const char* const loss = model == "mf" ? "train_rmse" : "train_loss";
        EXPECT_EQ(models[0].history.back().at(loss), models[1].history.back().at(loss));
      }
    }
  }
}

TEST(Residency, AlwaysNeedsADeviceWithMemoryOfItsOwn) {
  const Columns columns = placed_ratings();
  const auto family = make_family("mf");
  family->run().resident = "always";
  const auto backend = make_cpu_backend(1);
  try {
    train(*backend, {columns.view(), {}, kPlacedUsers, kPlacedItems}, *family, {});
    FAIL() << "ratings were kept on a device that there is not";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--resident always"));
    EXPECT_THAT(error.what(), HasSubstr("--device cuda"));
  }
  family->run().resident = "sometimes";
  EXPECT_THROW(train(*backend, {columns.view(), {}, kPlacedUsers, kPlacedItems}, *family, {}), UsageError);
}

TEST(Residency, CutRatingsAreInAFileWhereMemoryHasNoRoom) {
  const auto backend = make_cpu_backend(3);
  const Columns columns = placed_ratings();
  RatingSourceOptions options{100, 3};
  options.cut = {kPlacedUsers, kPlacedItems, 64, 3};
  constexpr std::uint64_t kRest = 1000;
  const auto planned = [&](std::uint64_t free) {
    MemoryPlan plan;
    plan.host_free = free;
    plan.add_device("the rest", kRest);
    const bool in_memory = plan_ratings(*backend, plan, "auto", columns.view(), options);
    EXPECT_EQ(plan.to_string().find("temporary file") == std::string::npos, in_memory);
    EXPECT_EQ(plan.backend_bytes() > kRest, in_memory);
    return std::pair(in_memory, plan.host_bytes());
  };
  const auto [fits, needed] = planned(1 << 30);
  EXPECT_TRUE(fits);
  EXPECT_GE(needed, 12 * columns.users.size());
  EXPECT_TRUE(planned(needed * 16 / 15 + 16).first);
  EXPECT_FALSE(planned(needed).first);
}

TEST(Residency, OnlyFastMfCutsItsRatings) {
  const auto backend = make_cpu_backend(3);
  const TrainData data{{}, {}, kPlacedUsers, kPlacedItems};
  const auto mf = make_family("mf");
  mf->set("dim", "20");
  EXPECT_EQ(rating_cut(*backend, *mf, data, 100000).row_bytes, 4u * 32);
  EXPECT_EQ(rating_cut(*backend, *mf, data, 100000).n_parts, 3u);
  EXPECT_EQ(rating_cut(*backend, *mf, data, 100).n_parts, 1u);
  mf->set("optimizer", "adam");
  EXPECT_EQ(rating_cut(*backend, *mf, data, 100000).row_bytes, 4u * (3 * 32 + 1));
  mf->set("deterministic", "true");
  EXPECT_EQ(rating_cut(*backend, *mf, data, 100000).row_bytes, 0u);
  EXPECT_EQ(rating_cut(*backend, *make_family("softmax"), data, 100000).row_bytes, 0u);
}

// The same bits again and again, whatever the threads are doing.
TEST(Residency, ARunOnSeveralThreadsRepeats) {
  Columns columns;
  for (std::uint64_t k = 0; k < 30000; ++k) {
    const RandomBlock random = philox(29, k, 0);
    columns.add(random.v[0] % 900, random.v[1] % 700, static_cast<float>(1 + random.v[2] % 5));
  }
  for (const char* const type : {"float32", "bfloat16"}) {
    std::vector<Model> models;
    for (int run = 0; run < 3; ++run) {
      const auto family = make_family("mf");
      family->set("dim", "16");
      family->set("table-type", type);
      family->run().epochs = 3;
      family->run().batch_size = 7000;
      const auto backend = make_cpu_backend(3);
      models.push_back(train(*backend, {columns.view(), {}, 900, 700}, *family, {}).model);
      EXPECT_EQ(models.back().tensors, models[0].tensors) << type;
    }
  }
}

#if defined(UNFOLD_WITH_EMULATOR)
TEST(Residency, GoesByWhatIsFreeBesideTheRest) {
  const auto backend = make_emulated_backend();
  const Columns columns = placed_ratings();
  const RatingSourceOptions options{100, 3};
  constexpr std::uint64_t kRest = 1000;
  const auto planned = [&](const std::string& resident, std::uint64_t free) {
    MemoryPlan plan;
    plan.device_free = free;
    plan.host_free = std::uint64_t{1} << 40;
    plan.add_device("the rest", kRest);
    const bool is_resident = plan_ratings(*backend, plan, resident, columns.view(), options);
    EXPECT_EQ(plan.to_string().find("kept on the device") != std::string::npos, is_resident);
    return std::pair(is_resident, plan);
  };
  const std::uint64_t needed = planned("always", 1 << 30).second.device_bytes();
  const std::uint64_t streamed = planned("never", 1 << 30).second.device_bytes();
  EXPECT_GE(needed - kRest, 12 * columns.users.size());
  EXPECT_EQ(streamed - kRest, 3u * (3 * 448));  // of three slots, three arrays of whole cache lines
  // A sixteenth of what is free is left to others.
  EXPECT_TRUE(planned("auto", needed * 16 / 15 + 16).first);
  EXPECT_FALSE(planned("auto", needed).first);
  EXPECT_FALSE(planned("never", 1 << 30).first);
  // "always" may take all, and says what is missing.
  const auto [is_resident, plan] = planned("always", needed - 1);
  EXPECT_TRUE(is_resident);
  try {
    plan.check();
    FAIL() << "a plan that does not fit passed";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(needed) + " bytes) needed"));
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(needed - 1) + " bytes) free"));
    EXPECT_THAT(error.what(), HasSubstr("--resident auto"));
  }
  planned("always", needed).second.check();
}
#endif

}  // namespace
}  // namespace unfold::test
