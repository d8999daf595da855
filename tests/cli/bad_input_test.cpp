// Every class of bad input has its exit code, says what is wrong, and leaves nothing behind.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CliBadInput : public CliTest {
 protected:
  // Trains on work()/data.csv holding `bytes`; expects a data error whose message holds `text`.
  void expect_bad_data(const std::string& bytes, const std::string& text, std::vector<std::string> more = {}) {
    write_file(path("data.csv"), bytes);
    std::vector<std::string> arguments = {"train", "data.csv", "--out", "m", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_error(arguments, 3, text);
    EXPECT_THAT(listing(), ElementsAre("data.csv"));
  }
};

constexpr const char* kGood = "user,item,rating\nu1,i1,3\nu1,i2,4\nu2,i1,5\n";

TEST_F(CliBadInput, FilesThatCannotBeRead) {
  expect_error({"train", "absent.csv", "--out", "m"}, 3, "absent.csv");
  std::filesystem::create_directory(path("folder"));
  expect_error({"train", "folder", "--out", "m"}, 3, "folder");
  EXPECT_THAT(listing(), ElementsAre("folder"));
}

TEST_F(CliBadInput, LinesThatCannotBeUnderstood) {
  expect_bad_data("", "empty");
  expect_bad_data(std::string(kGood) + "u3,i3\n", "data.csv:5");
  expect_bad_data(std::string(kGood) + "u3,i3,nan\n", "data.csv:5");
  expect_bad_data(std::string(kGood) + "u3,i3,inf\n", "data.csv:5");
  expect_bad_data(std::string(kGood) + "u3,i3,abc\n", "\"abc\"");
  expect_bad_data(std::string(kGood) + ",i3,4\n", "data.csv:5");
  expect_bad_data(kGood, "movieId", {"--columns", "user=user,item=movieId"});
}

TEST_F(CliBadInput, TruncatedGzip) {
  const std::string file = path("whole.gz").string();
  gzFile out = gzopen(file.c_str(), "wb");
  std::string text = "user,item,rating\n";
  for (int i = 0; i < 5000; ++i) text += fmt::format("{},{},3\n", i * 7919 % 1000, i);
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  const std::string bytes = read_file(file);
  std::filesystem::remove(file);
  expect_bad_data(bytes.substr(0, bytes.size() / 2), "data.csv");
}

TEST_F(CliBadInput, WrongUsage) {
  write_file(path("data.csv"), kGood);
  expect_error({"train", "data.csv"}, 2, "--out");
  expect_error({"train", "--out", "m"}, 2, "DATA");
  expect_error({"train", "data.csv", "more.csv", "--out", "m"}, 2, "unexpected argument \"more.csv\"");
  expect_error({"train", "data.csv", "--out", "m", "--dim", "many"}, 2, "--dim many: use a whole number, 1 to 1024");
  expect_error({"train", "data.csv", "data.csv", "--out", "m"}, 2, "unfold import FILE FILE ... --out DIR");
  expect_error({"train", "data.csv", "--out", "m", "--dim", "-4"}, 2, "--dim");
  expect_error({"train", "data.csv", "--out", "m", "--dim", "2000"}, 2, "dim");
  expect_error({"train", "data.csv", "--out", "m", "--l2", "nan"}, 2, "--l2");
  expect_error({"train", "data.csv", "--out", "m", "--optimizer", "newton"}, 2, "newton");
  expect_error({"train", "data.csv", "--out", "m", "--split", "half"}, 2, "half");
  expect_error({"train", "data.csv", "--out", "m", "--split", "random:0.5", "--test", "data.csv"}, 2, "--split none");
  expect_error({"train", "data.csv", "--out", "m", "--at", "0,5"}, 2, "--at");
  expect_error({"train", "data.csv", "--out", "m", "--on-error", "ignore"}, 2, "--on-error");
  expect_error({"train", "data.csv", "--out", "m", "--columns", "who=1"}, 2, "--columns");
  expect_error({"train", "data.csv", "--out", "m", "--format", "xml"}, 2, "xml");
  expect_error({"train", "data.csv", "--out", "m", "--device", "tpu"}, 2, "tpu");
  expect_error({"evaluate", "m"}, 2, "--test");
  EXPECT_THAT(listing(), ElementsAre("data.csv"));
}

TEST_F(CliBadInput, TargetsThatCannotBeWritten) {
  write_file(path("data.csv"), kGood);
  std::filesystem::create_directory(path("other"));
  write_file(path("other/keep.txt"), "mine");
  expect_error({"train", "data.csv", "--out", "other"}, 2, "other");
  expect_error({"train", "data.csv", "--out", "other", "--overwrite"}, 2, "other");
  EXPECT_EQ(read_file(path("other/keep.txt")), "mine");
  // Even root cannot make a folder here.
  const ProcessResult result = unfold({"train", "data.csv", "--out", "/proc/none/m", "--quiet"});
  EXPECT_THAT(result.exit_code, ::testing::AnyOf(2, 3)) << result.err;
  EXPECT_THAT(result.err, HasSubstr("/proc/none"));
  EXPECT_THAT(listing(), ElementsAre("data.csv", "other"));
}

TEST_F(CliBadInput, ModelsThatAreNone) {
  write_file(path("data.csv"), kGood);
  expect_error({"evaluate", "absent", "--test", "data.csv"}, 3, "absent");
  expect_error({"export", "data.csv"}, 3, "data.csv");
  EXPECT_THAT(listing(), ElementsAre("data.csv"));
}

TEST_F(CliBadInput, ExportRefusesAnUnknownFormatAndAnExistingTarget) {
  write_ratings("data.csv");
  unfold_ok({"train", "data.csv", "--out", "m", "--dim", "2", "--epochs", "1"});
  expect_error({"export", "m", "--format", "hdf5"}, 2, "hdf5");
  unfold_ok({"export", "m"});
  expect_error({"export", "m"}, 2, "m-npy");
  unfold_ok({"export", "m", "--overwrite"});
}

TEST_F(CliBadInput, NoGpuIsADeviceError) {
  write_ratings("data.csv");
  const nlohmann::json info = nlohmann::json::parse(unfold_ok({"info", "--json"}));
  if (!info["devices"].empty()) GTEST_SKIP() << "this machine has a GPU";
  expect_error({"train", "data.csv", "--out", "m", "--device", "cuda"}, 4, "--device cpu");
  EXPECT_THAT(listing(), ElementsAre("data.csv"));
}

}  // namespace
}  // namespace unfold::test
