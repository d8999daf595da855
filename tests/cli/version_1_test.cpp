// Every command that takes a model takes those of version 1 (tests/store/version_1), and says of them what the program
// said that wrote them: tests/store/version_1/recorded.
#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Equal, but for the last digits of numbers that are computed: processors add up products in different orders.
void expect_same(const Json& found, const Json& expected, const std::string& where) {
  if (expected.is_number_float()) {
    ASSERT_TRUE(found.is_number()) << where;
    const auto value = expected.get<double>();
    EXPECT_NEAR(found.get<double>(), value, 1e-6 * (1 + std::abs(value))) << where;
  } else if (expected.is_structured() && found.type() == expected.type() && found.size() == expected.size()) {
    const Json left = found.flatten(), right = expected.flatten();
    ASSERT_EQ(left.size(), right.size()) << where;
    for (const auto& [key, value] : right.items()) {
      ASSERT_TRUE(left.contains(key)) << where << key;
      expect_same(left[key], value, where + key);
    }
  } else {
    EXPECT_EQ(found, expected) << where;
  }
}

class CliVersion1 : public CliTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    UNFOLD_REQUIRE_SOURCES(sources);
    fs::copy(sources / "tests/store/version_1", work(), fs::copy_options::recursive);
    write_file(path("ids"), "1\n5\n17\n");
  }
  std::string model() const { return GetParam(); }
  Json recorded(const char* key) const { return Json::parse(read_file(path("recorded/" + model() + ".json")))[key]; }
  Json ask(const std::vector<std::string>& arguments) {
    return Json::parse(unfold_ok(with(arguments, {"--json", "--quiet", "--device", "cpu"})));
  }
};

TEST_P(CliVersion1, IsScoredAndListedAsItWas) {
  expect_same(ask({"evaluate", model(), "--test", "test.csv"}), recorded("evaluate"), "evaluate");
  expect_same(ask({"recommend", model(), "--ids", "ids", "-k", "3"}), recorded("recommend"), "recommend");
  expect_same(ask({"neighbors", model(), "--item", "3", "-k", "3"}), recorded("neighbors"), "neighbors");
}

TEST_P(CliVersion1, IsExportedAsItWas) {
  const Json exports = recorded("exports");
  EXPECT_EQ(exports.size(), 12u);
  for (const auto& [name, checksums] : exports.items()) {
    const std::string format = name.substr(0, name.find(' '));
    std::vector<std::string> command = {"export", model(), "--format", format, "--out", "x", "--overwrite"};
    if (format != name) command.push_back("--append-bias");
    unfold_ok(command);
    EXPECT_EQ(Json(read_json("x/export.json")["file_xxh3_128"]), checksums) << name;
  }
}

TEST_P(CliVersion1, IsVerifiedDrawnAndTrainedAgain) {
  unfold_ok({"verify", model()});
  unfold_ok({"map", model(), "--users", "--out", "map.svg"});
  unfold_ok({"train", "ratings.csv", "--config", model() + "/config.toml", "--out", "again"});
  EXPECT_EQ(read_json("again/model.json")["format_version"], 2);
  unfold_ok({"train", "ratings.csv", "--config", model() + "/config.toml", "--out", model(), "--overwrite"});
  EXPECT_EQ(read_json(model() + "/model.json")["format_version"], 2);
}

INSTANTIATE_TEST_SUITE_P(Models, CliVersion1, testing::Values("mf", "mf_range", "softmax"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace unfold::test
