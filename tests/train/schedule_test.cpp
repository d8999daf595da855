#include "host/train/schedule.hpp"

#include <gtest/gtest.h>

namespace unfold {
namespace {

TEST(Schedule, Constant) {
  TrainOptions o;
  o.schedule = "constant";
  for (const double x : {0.0, 0.5, 0.99}) EXPECT_EQ(scheduled(o, x).learning_rate, o.learning_rate);
}

TEST(Schedule, ExponentialStepsAtEpochs) {
  TrainOptions o;
  o.schedule = "exponential";
  o.epochs = 4;
  o.learning_rate = 1;
  o.learning_rate_decay = 0.5;
  EXPECT_DOUBLE_EQ(scheduled(o, 0.0).learning_rate, 1);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.24).learning_rate, 1);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.25).learning_rate, 0.5);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.99).learning_rate, 0.125);
}

TEST(Schedule, LinearEndsAtZero) {
  TrainOptions o;
  o.schedule = "linear";
  o.learning_rate = 2;
  EXPECT_DOUBLE_EQ(scheduled(o, 0.0).learning_rate, 2);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.75).learning_rate, 0.5);
  EXPECT_NEAR(scheduled(o, 1.0 - 1e-9).learning_rate, 0, 1e-8);
}

TEST(Schedule, OneCycleRisesToThePeakAndFallsWhileMomentumGoesTheOtherWay) {
  TrainOptions o;
  o.schedule = "one-cycle";
  o.learning_rate = 0.1;
  o.warmup = 0.25;
  o.beta1 = 0.9;
  EXPECT_NEAR(scheduled(o, 0).learning_rate, 0.1 / 25, 1e-12);
  EXPECT_NEAR(scheduled(o, 0.25).learning_rate, 0.1, 1e-12);
  EXPECT_NEAR(scheduled(o, 1).learning_rate, 0.1e-5, 1e-12);
  EXPECT_NEAR(scheduled(o, 0).beta1, 0.95, 1e-12);
  EXPECT_NEAR(scheduled(o, 0.25).beta1, 0.85, 1e-12);
  EXPECT_NEAR(scheduled(o, 1).beta1, 0.95, 1e-12);
  for (double x = 0; x < 0.99; x += 0.01) {
    const bool rising = x + 0.01 <= 0.25;
    EXPECT_EQ(scheduled(o, x).learning_rate < scheduled(o, x + 0.01).learning_rate, rising || x + 0.005 < 0.25) << x;
  }
}

TEST(Schedule, CosineEndsAtZero) {
  TrainOptions o;
  o.schedule = "cosine";
  o.learning_rate = 2;
  EXPECT_DOUBLE_EQ(scheduled(o, 0.0).learning_rate, 2);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.5).learning_rate, 1);
  EXPECT_NEAR(scheduled(o, 1.0 - 1e-9).learning_rate, 0, 1e-8);
}

}  // namespace
}  // namespace unfold
