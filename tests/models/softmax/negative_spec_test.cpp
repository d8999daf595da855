#include "host/models/softmax/negative_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unfold/error.hpp"

namespace unfold {
namespace {

using ::testing::HasSubstr;

TEST(NegativeSpec, ReadsRandomKinds) {
  EXPECT_EQ(NegativeSpec::parse("uniform").random, RandomNegatives::kUniform);
  EXPECT_EQ(NegativeSpec::parse("in-batch").random, RandomNegatives::kInBatch);
  EXPECT_EQ(NegativeSpec::parse("full").random, RandomNegatives::kFull);
  const NegativeSpec popularity = NegativeSpec::parse("popularity:0.75");
  EXPECT_EQ(popularity.random, RandomNegatives::kPopularity);
  EXPECT_EQ(popularity.alpha, 0.75);
  const NegativeSpec mixed = NegativeSpec::parse("mixed:0.25");
  EXPECT_EQ(mixed.random, RandomNegatives::kMixed);
  EXPECT_EQ(mixed.in_batch_fraction, 0.25);
  EXPECT_EQ(mixed.hard, HardNegatives::kNone);
}

TEST(NegativeSpec, ReadsHardKindsAndBoth) {
  const NegativeSpec hard = NegativeSpec::parse("hard:5/200");
  EXPECT_EQ(hard.random, RandomNegatives::kNone);
  EXPECT_EQ(hard.hard, HardNegatives::kHardest);
  EXPECT_EQ(hard.n_hard, 5u);
  EXPECT_EQ(hard.n_candidates, 200u);
  const NegativeSpec mined = NegativeSpec::parse("mined:40");
  EXPECT_EQ(mined.hard, HardNegatives::kMined);
  EXPECT_EQ(mined.n_hard, 8u);
  EXPECT_EQ(mined.n_candidates, 40u);
  EXPECT_EQ(NegativeSpec::parse("mined:3").n_hard, 3u);
  const NegativeSpec both = NegativeSpec::parse("score-weighted:4/64+popularity:1");
  EXPECT_EQ(both.random, RandomNegatives::kPopularity);
  EXPECT_EQ(both.hard, HardNegatives::kScoreWeighted);
  EXPECT_EQ(NegativeSpec::parse("full+disliked:4").n_hard, 4u);
  EXPECT_EQ(NegativeSpec::parse("adaptive").hard, HardNegatives::kAdaptive);
  EXPECT_EQ(NegativeSpec::parse("adaptive").n_candidates, 256u);
}

TEST(NegativeSpec, NamesWhatItRefuses) {
  for (const char* text : {"",
                           "unifrom",
                           "uniform:2",
                           "uniform+uniform",
                           "hard:1/2+mined:4",
                           "popularity",
                           "popularity:-1",
                           "popularity:nan",
                           "popularity:x",
                           "mixed",
                           "mixed:0",
                           "mixed:1",
                           "mixed:1.5",
                           "hard:0/5",
                           "disliked:0",
                           "disliked:2/5",
                           "hard:6/5",
                           "hard:5/",
                           "hard:/5",
                           "hard:1/4097",
                           "hard:1/99999999999",
                           "uniform+",
                           "+uniform",
                           "hard:-1/5"}) {
    try {
      NegativeSpec::parse(text);
      ADD_FAILURE() << '"' << text << "\" was taken";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr("--negatives " + std::string(text))) << text;
      EXPECT_THAT(error.what(), HasSubstr("uniform+hard:8/256")) << text;
    }
  }
}

TEST(NegativeSpec, SaysWhichNumbersAKindTakes) {
  const auto message = [](const char* text) {
    try {
      NegativeSpec::parse(text);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("hard:6/5"), HasSubstr("\"hard:6/5\" needs M/N with 1 <= M <= N <= 4096"));
  EXPECT_THAT(message("uniform+mined:0/5"), HasSubstr("\"mined:0/5\" needs M/K with 1 <= M <= K <= 4096"));
  EXPECT_THAT(message("disliked:2/5"), HasSubstr("\"disliked:2/5\" needs M with 1 <= M <= 4096"));
}

}  // namespace
}  // namespace unfold
