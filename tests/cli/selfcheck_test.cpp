// unfold selfcheck, and the runner under it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/selfcheck/checks.hpp"
#include "tests/support/cli_test.hpp"
#include "unfold/error.hpp"

namespace unfold::test {
namespace {

using ::testing::HasSubstr;

class CliSelfcheck : public CliTest {};

TEST_F(CliSelfcheck, ChecksEveryOpAndPrintsATable) {
  const std::string out = unfold_ok({"selfcheck", "--device", "cpu", "--threads", "2", "--quick"});
  EXPECT_THAT(out, HasSubstr("cpu: 2 threads"));
  for (const selfcheck::NamedCheck& check : selfcheck::all_checks()) EXPECT_THAT(out, HasSubstr(check.name));
  EXPECT_THAT(out, HasSubstr("checks passed"));
  EXPECT_THAT(out, Not(HasSubstr("FAILED")));
}

TEST_F(CliSelfcheck, PrintsJsonOfOneOp) {
  const nlohmann::json report = nlohmann::json::parse(
      unfold_ok({"selfcheck", "--device", "cpu", "--op", "predict_ratings", "--quick", "--json"}));
  EXPECT_EQ(report["passed"], true);
  ASSERT_GE(report["checks"].size(), 1u);
  for (const nlohmann::json& check : report["checks"]) {
    EXPECT_EQ(check["op"], "predict_ratings");
    EXPECT_GT(check["compared"], 100);
    EXPECT_GT(check["worst_error_share"], 0.0);
  }
}

TEST_F(CliSelfcheck, NamesTheOpsForOneThatItDoesNotKnow) {
  expect_error({"selfcheck", "--device", "cpu", "--op", "lookup"}, 2, "use one of rating_step, update_rows, sort_rows");
}

TEST(Selfcheck, ReportsWhatFailsInWords) {
  const auto backend = make_cpu_backend(1);
  const selfcheck::NamedCheck wrong{{"IsWrong",
                                     [](selfcheck::CheckRun& run) {
                                       const selfcheck::Checker::Scope scope("dim {}", 3);
                                       run.check.near(1.5, selfcheck::Bounded(1, 0.25), "row {}", 7);
                                       run.check.near(1.2, selfcheck::Bounded(1, 0.25), "row {}", 8);
                                       run.check.that(false, "a guard changed");
                                     }},
                                    "op"};
  const SelfcheckResult result = selfcheck::run_check(*backend, wrong, false, 1);
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.n_compared, 3u);
  EXPECT_EQ(result.n_failed, 2u);
  EXPECT_EQ(result.worst_share, 2);
  EXPECT_THAT(result.failures,
              testing::ElementsAre("dim 3 > row 7: got 1.5, expected 1 +- 0.25", "dim 3 > a guard changed"));
}

TEST(Selfcheck, CountsAnErrorAndAnEmptyCheckAsFailures) {
  const auto backend = make_cpu_backend(1);
  const selfcheck::NamedCheck throws{{"Throws", [](selfcheck::CheckRun&) { throw DeviceError("device lost"); }}, "op"};
  const SelfcheckResult result = selfcheck::run_check(*backend, throws, false, 1);
  EXPECT_FALSE(result.passed());
  EXPECT_THAT(result.failures, testing::ElementsAre("device lost"));
  const selfcheck::NamedCheck empty{{"Empty", [](selfcheck::CheckRun&) {}}, "op"};
  EXPECT_FALSE(selfcheck::run_check(*backend, empty, false, 1).passed());
}

}  // namespace
}  // namespace unfold::test
