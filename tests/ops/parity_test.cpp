// One parity suite: every check of every op on every backend. The backend and the check are in each test's name.
#include <tuple>

#include "host/selfcheck/checks.hpp"
#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

using selfcheck::OpCheck;

class Ops : public testing::TestWithParam<std::tuple<const char*, OpCheck>> {};

TEST_P(Ops, MatchTheReference) {
  const auto& [name, op_check] = GetParam();
  const std::unique_ptr<Backend> backend = backend_or_skip(name);
  if (!backend) return;
  selfcheck::Checker check;
  selfcheck::CheckRun run{*backend, check, selfcheck::kAwkwardDims, true, std::mt19937_64(kSeed)};
  op_check.run(run);
  for (const std::string& failure : check.failures()) ADD_FAILURE() << failure;
  EXPECT_EQ(check.n_failed(), 0u) << "of " << check.n_compared() << " comparisons";
  EXPECT_GT(check.n_compared(), 0u) << "the check compares nothing";
}

std::string test_name(const testing::TestParamInfo<Ops::ParamType>& info) {
  return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Learning, Ops,
                         testing::Combine(testing::ValuesIn(kBackends), testing::ValuesIn(selfcheck::learning_checks())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Scoring, Ops,
                         testing::Combine(testing::ValuesIn(kBackends), testing::ValuesIn(selfcheck::scoring_checks())),
                         test_name);

}  // namespace
}  // namespace unfold::test
