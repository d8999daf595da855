// One parity suite: every check of every op on every backend. The backend and the check are in each test's name.
#include "tests/ops/parity.hpp"

#include <ostream>
#include <tuple>

#include "host/selfcheck/checks.hpp"

namespace unfold::selfcheck {

// For GoogleTest, which would print its bytes.
void PrintTo(const NamedCheck& check, std::ostream* out) { *out << check.op; }

}  // namespace unfold::selfcheck

namespace unfold::test {
namespace {

using selfcheck::NamedCheck;

class Ops : public testing::TestWithParam<std::tuple<const char*, NamedCheck>> {};

TEST_P(Ops, MatchTheReference) {
  const auto& [name, op_check] = GetParam();
  const std::unique_ptr<Backend> backend = backend_or_skip(name);
  if (!backend) return;
  const SelfcheckResult result = selfcheck::run_check(*backend, op_check, true, kSeed);
  for (const std::string& failure : result.failures) ADD_FAILURE() << failure;
  EXPECT_EQ(result.n_failed, 0u) << "of " << result.n_compared << " comparisons";
  EXPECT_GT(result.n_compared, 0u) << "the check compares nothing";
}

std::string test_name(const testing::TestParamInfo<Ops::ParamType>& info) {
  return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Parity, Ops,
                         testing::Combine(testing::ValuesIn(kBackends), testing::ValuesIn(selfcheck::all_checks())),
                         test_name);

}  // namespace
}  // namespace unfold::test
