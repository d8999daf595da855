// Every op of unfold/ops.def has what belongs to an op; and nothing else passes for one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/selfcheck/checks.hpp"
#include "tests/support/test_support.hpp"

namespace unfold::test {
namespace {

const std::set<std::string> kOps = {
#define UNFOLD_OP(Op) #Op,
#include "unfold/ops.def"
#undef UNFOLD_OP
};

// "TopK" is "top_k".
std::string snake_case(const std::string& camel) {
  std::string snake;
  for (const char c : camel) {
    if (std::isupper(static_cast<unsigned char>(c)) != 0 && !snake.empty()) snake += '_';
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return snake;
}

// What the expression's first group matches in the text.
std::set<std::string> matches(const std::string& text, const char* expression) {
  const std::regex regex(expression);
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

// The files of a folder whose name ends like this, with their text.
std::vector<std::pair<std::string, std::string>> texts_of(const std::filesystem::path& folder, const char* ending) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(ending)) texts.emplace_back(name, read_file(entry.path()));
  }
  return texts;
}

// A header that ops.def does not name is found here.
TEST(OpsList, HasTheStructsOfAllHeadersOfOps) {
  UNFOLD_REQUIRE_SOURCES(sources);
  std::set<std::string> structs, headers;
  for (const auto& [name, text] : texts_of(sources / "include/unfold/ops", ".hpp")) {
    structs.merge(matches(text, "\nstruct (\\w+)"));
    headers.insert("unfold/ops/" + name);
  }
  EXPECT_EQ(structs, kOps);
  EXPECT_EQ(matches(read_file(sources / "include/unfold/ops.def"), "#include \"([^\"]*)\""), headers);
}

TEST(OpsList, HasChecksOfEachOpAndNoOther) {
  std::set<std::string> ops, checked;
  for (const std::string& op : kOps) ops.insert(snake_case(op));
  for (const selfcheck::NamedCheck& op_check : selfcheck::all_checks()) checked.insert(op_check.op);
  EXPECT_EQ(checked, ops);
}

TEST(OpsList, HasABenchmarkThatRunsEachOp) {
  UNFOLD_REQUIRE_SOURCES(sources);
  std::set<std::string> registered;
  for (const auto& [name, text] : texts_of(sources / "bench/ops", "_bench.cpp")) {
    std::set<std::string> run = matches(text, "\\b([A-Z]\\w*)(?: \\w+)?\\{\\s*\\.");  // LookupRows{.table
    run.merge(matches(text, "\n  ([A-Z]\\w*) op;"));                                  // filled field by field
    for (const std::string& op : matches(text, "register_benchmarks<(\\w+)>\\(\\) \\{")) {
      EXPECT_TRUE(registered.insert(op).second) << op << " is registered twice";
      EXPECT_TRUE(run.contains(op)) << name << " does not run " << op;
    }
  }
  EXPECT_EQ(registered, kOps);
}

}  // namespace
}  // namespace unfold::test
