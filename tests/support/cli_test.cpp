#include "tests/support/cli_test.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unfold::test {

CliTest::CliTest() : work_(folder_ / "work") { std::filesystem::create_directory(work_); }

ProcessOptions CliTest::process_options() const {
  return {work_, {{"UNFOLD_CACHE", (folder_ / "cache").string()}, {"TERM", "dumb"}}, {}};
}

std::vector<std::string> CliTest::command_line(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program().string());
  return arguments;
}

std::vector<std::string> CliTest::with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> CliTest::train_command(const std::string& data, const std::string& out,
                                                const std::vector<std::string>& more) {
  return with({"train", data, "--out", out, "--dim", "4", "--epochs", "3", "--threads", "2"}, more);
}

ProcessResult CliTest::unfold(const std::vector<std::string>& arguments) {
  return run_process(command_line(arguments), process_options());
}

std::string CliTest::unfold_ok(const std::vector<std::string>& arguments) {
  const ProcessResult result = unfold(arguments);
  EXPECT_EQ(result.exit_code, 0) << fmt::format("{}", fmt::join(arguments, " ")) << "\n" << result.err;
  return result.out;
}

void CliTest::expect_error(const std::vector<std::string>& arguments, int exit_code, const std::string& text) {
  const ProcessResult result = unfold(arguments);
  SCOPED_TRACE(fmt::format("{}\n{}", fmt::join(arguments, " "), result.err));
  EXPECT_EQ(result.exit_code, exit_code);
  EXPECT_NE(result.err.find("unfold: error: "), std::string::npos);
  EXPECT_NE(result.err.find(text), std::string::npos) << "the message lacks: " << text;
  EXPECT_EQ(result.out, "");
}

std::vector<std::string> CliTest::listing() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(work_)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

void CliTest::write_ratings(const std::string& name, int n) {
  std::string text = "user,item,rating\n";
  for (int i = 0; i < n; ++i) {
    // Walks through all 97 * 61 pairs before one comes twice.
    const int pair = i * 1009 % (97 * 61);
    const int user = pair % 97;
    const int item = pair / 97;
    text += fmt::format("u{},i{},{}\n", user, item, 1 + (user * 3 + item * 5 + i % 2) % 5);
  }
  write_file(path(name), text);
}

nlohmann::json CliTest::read_json(const std::string& name) const {
  return nlohmann::json::parse(read_file(path(name)));
}

}  // namespace unfold::test
