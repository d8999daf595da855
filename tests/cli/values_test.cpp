// Values that options do not take, and options that are given twice: what is wrong, where, and what is allowed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CliValues : public CliTest {
 protected:
  void SetUp() override { write_ratings("r.csv", 200); }
  // The whole of what is said.
  void expect_message(const std::vector<std::string>& arguments, const std::string& message) {
    const ProcessResult result = unfold(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, "unfold: error: " + message + "\n");
    EXPECT_FALSE(fs::exists(path("m")));
  }
  void expect_refused(const std::vector<std::string>& more, const std::string& message) {
    expect_message(with({"train", "r.csv", "--out", "m"}, more), message);
  }
};

TEST_F(CliValues, NumbersOutOfBoundsAreToldAlike) {
  expect_refused({"--epochs", "0"}, "--epochs 0: use 1 or more");
  expect_refused({"--epochs", "-3"}, "--epochs -3: use 1 or more");
  expect_refused({"--epochs=x"}, "--epochs x: use a whole number, 1 or more");
  expect_refused({"--epochs", "1.5"}, "--epochs 1.5: use a whole number, 1 or more");
  expect_refused({"--epochs", ""}, "--epochs '': use a whole number, 1 or more");
  expect_refused({"--epochs", "99999999999"}, "--epochs 99999999999: use 1 to 4294967295");
  expect_refused({"--dim", "1025"}, "--dim 1025: use 1 to 1024");
  expect_refused({"--dim", "99999999999"}, "--dim 99999999999: use 1 to 1024");
  expect_refused({"--model", "softmax", "--n-negatives", "0"}, "--n-negatives 0: use 1 to 1048576");
  expect_refused({"--threads", "257"}, "--threads 257: use 0 to 256");
  expect_refused({"--min-user-ratings", "0"}, "--min-user-ratings 0: use 1 or more");
  expect_refused({"--min-item-ratings", "0"}, "--min-item-ratings 0: use 1 or more");
  expect_refused({"--learning-rate", "fast"}, "--learning-rate fast: use a number over 0");
  expect_refused({"--learning-rate", "-1"}, "--learning-rate -1: use a number over 0");
  expect_refused({"--quiet=perhaps"}, "--quiet perhaps: use true or false");
  expect_message({"synth", "m", "--users", "0"}, "--users 0: use 1 or more");
  expect_message({"recommend", "m", "--user", "u1", "-k", "0"}, "-k 0: use 1 to 1024");
  expect_message({"evaluate", "m", "--test", "r.csv", "--threads", "-1"}, "--threads -1: use 0 to 256");
}

TEST_F(CliValues, ListsOfNumbersHaveOneBetweenTwoCommas) {
  for (const char* at : {"1,2,,3", ",1", "1,", "", "1,0", "1;2", "1,x", "1000001"}) {
    expect_error({"train", "r.csv", "--out", "m", "--at", at}, 2,
                 ": use whole numbers of 1 to 1000000, with a comma between two");
  }
  expect_refused({"--at", "1,2,,3"}, "--at 1,2,,3: use whole numbers of 1 to 1000000, with a comma between two");
  unfold_ok({"train", "r.csv", "--out", "m", "--epochs", "1", "--at", "1,2", "--at", "3", "--quiet"});
  EXPECT_THAT(read_file(path("m/config.toml")), HasSubstr("at = [1, 2, 3]\n"));
}

TEST_F(CliValues, AnOptionIsGivenOnceAndWithItsValue) {
  expect_refused({"--dim", "3", "--dim", "4"}, "--dim is given twice; give it once");
  expect_refused({"--dim", "3", "--dim", "4", "--dim=5"}, "--dim is given 3 times; give it once");
  expect_refused({"--out", "n"}, "--out is given twice; give it once");
  expect_refused({"--epochs"}, "--epochs needs a value: --epochs N");
  expect_message({"train", "r.csv", "--out"}, "--out needs a value: --out MODEL");
  unfold_ok({"train", "r.csv", "--out", "m", "--epochs", "1", "--quiet", "--quiet"});
}

TEST_F(CliValues, AConfigurationFileIsNamedWithTheLine) {
  const auto refused = [&](const std::string& text, const std::string& message) {
    write_file(path("c.toml"), text);
    expect_refused({"--config", "c.toml"}, message);
  };
  refused("[train]\ndim = 4\n\nepochs = 0\n", "c.toml:4: --epochs 0: use 1 or more");
  refused("[train]\nepochs = -3\n", "c.toml:2: --epochs -3: use 1 or more");
  refused("[train]\nat = [\n  4,\n  0]\n",
          "c.toml:4: --at 0: use whole numbers of 1 to 1000000, with a comma between two");
  refused("[train]\ndeterministic = 'x'\n", "c.toml:2: --deterministic x: use true or false");
  refused("[train]\ndim = [3, 4]\n", "c.toml:2: dim takes one value, and here are 2");
  refused("[evaluate]\nat = 0\n", "c.toml:2: --at 0: use whole numbers of 1 to 1000000, with a comma between two");
  refused("[train]\ndim = 4\nlearning-rate = -1\n", "c.toml:3: --learning-rate -1: use a number over 0");
  // What only the command knows.
  refused("[train]\nrating-range = '5:1'\n", "c.toml:2: --rating-range 5:1: use LO:HI with LO < HI, such as 0:5.5");
  refused("[train]\non-error = 'ignore'\n", "c.toml:2: --on-error ignore: use fail or skip");
  // The command line comes first, and is what is wrong then.
  write_file(path("c.toml"), "[train]\nlearning-rate = -1\n");
  expect_refused({"--config", "c.toml", "--learning-rate", "-2"}, "--learning-rate -2: use a number over 0");
}

TEST_F(CliValues, AConfigurationFileThatIsNotThereIsNamed) {
  expect_refused({"--config", "nothere.toml"}, "--config nothere.toml: no such file; check the path");
  expect_refused({"--config", "."}, "--config .: is not a regular file; give a file of TOML");
}

}  // namespace
}  // namespace unfold::test
