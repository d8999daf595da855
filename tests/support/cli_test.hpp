// A fixture that runs the program in a folder of its own, with a cache of its own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/test_support.hpp"

namespace unfold::test {

class CliTest : public ::testing::Test {
 protected:
  CliTest();

  ProcessOptions process_options() const;
  static std::vector<std::string> command_line(std::vector<std::string> arguments);
  static std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more);
  // The arguments of a training that takes a moment.
  static std::vector<std::string> train_command(const std::string& data, const std::string& out,
                                                const std::vector<std::string>& more = {});
  // Runs the program in work() to its end.
  ProcessResult unfold(const std::vector<std::string>& arguments);
  // The same, and expects success.
  std::string unfold_ok(const std::vector<std::string>& arguments);
  // The same, and expects an error: its exit code, and a message that holds `text`.
  void expect_error(const std::vector<std::string>& arguments, int exit_code, const std::string& text);

  const std::filesystem::path& work() const { return work_; }
  std::filesystem::path path(const std::string& name) const { return work_ / name; }
  // Names of everything in work(), hidden entries included, in order.
  std::vector<std::string> listing() const;
  // A small data set in work()/`name`: `n` <= 5917 ratings of different pairs, with header user,item,rating.
  void write_ratings(const std::string& name, int n = 3000);
  nlohmann::json read_json(const std::string& name) const;

 private:
  TempDirectory folder_;
  std::filesystem::path work_;
};

}  // namespace unfold::test
