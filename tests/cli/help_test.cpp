// Help pages, suggestions, completion scripts, unfold info.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/cli_test.hpp"
#include "unfold/model_family.hpp"
#include "unfold/version.hpp"

namespace unfold::test {
namespace {

using ::testing::HasSubstr;

class CliHelp : public CliTest {};

const std::vector<std::string> kCommands = {"train", "evaluate",   "recommend", "neighbors", "export",
                                            "map",   "import",     "synth",     "verify",    "selfcheck",
                                            "info",  "completion", "help"};

// The parser's flags by command, as the fish completion lists them.
std::set<std::string> flags_of(const std::string& command, const std::string& completion) {
  std::set<std::string> flags;
  const std::regex pattern("__fish_seen_subcommand_from " + command + "[^']*' -l ([a-z0-9-]+)");
  for (std::sregex_iterator match(completion.begin(), completion.end(), pattern), end; match != end; ++match) {
    flags.insert((*match)[1]);
  }
  return flags;
}

TEST_F(CliHelp, EveryFlagOfTheParserIsOnItsHelpPage) {
  const std::string completion = unfold_ok({"completion", "fish"});
  for (const std::string& command : kCommands) {
    std::string help = unfold_ok({command, "--help"});
    EXPECT_THAT(help, HasSubstr("Example")) << command;
    if (command == "train") {
      for (const char* const model : family_names()) help += unfold_ok({"train", "--model", model, "--help"});
    }
    const std::set<std::string> flags = flags_of(command, completion);
    EXPECT_TRUE(flags.count("help") == 1) << command;
    for (const std::string& flag : flags) EXPECT_THAT(help, HasSubstr("--" + flag)) << command;
  }
  EXPECT_GT(flags_of("train", completion).size(), 30u);
}

TEST_F(CliHelp, ShowsDefaults) {
  const std::string help = unfold_ok({"train", "--help"});
  for (const char* text : {"[10,20]", "--out MODEL", "[required]", "--config FILE"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
  const std::string root = unfold_ok({"--help"});
  for (const std::string& command : kCommands) EXPECT_THAT(root, HasSubstr("  " + command));
}

// The lines of an option's text, as one.
std::string help_of(const std::string& option, const std::string& page) {
  const std::size_t begin = page.find("  --" + option + ' ');
  std::string text = begin == std::string::npos ? "" : page.substr(begin, page.find("\n  -", begin) - begin);
  text = text.substr(0, text.find("\n\n"));
  return std::regex_replace(text, std::regex("\\s+"), " ");
}

TEST_F(CliHelp, AModelsPageHoldsItsOptionsWithItsDefaultsInGroups) {
  for (const auto& family : model_families()) {
    const std::string page = unfold_ok({"train", "--model", family->name(), "--help"});
    EXPECT_THAT(page, HasSubstr(fmt::format("Model {}: {}.", family->name(), family->help())));
    EXPECT_THAT(page, HasSubstr("\n\nData and split:\n  --"));
    for (const Option& option : family->options()) {
      EXPECT_THAT(page, HasSubstr(fmt::format("\n\n{}:\n  --", group_title(option.group))));
      const std::string help = help_of(option.name, page);
      EXPECT_THAT(help, HasSubstr(option.allowed.to_string()));
      const bool has_default = !option.is_flag() && !option.text().empty();
      EXPECT_TRUE(!has_default || help.ends_with("[" + option.text() + "]")) << help;
    }
    EXPECT_TRUE(help_of("model", page).ends_with(fmt::format("[{}]", family_names().front())));
    EXPECT_THAT(page, HasSubstr(fmt::format("unfold train ratings.csv --model {} --out model", family->name())));
    EXPECT_TRUE(help_of("validation", page).ends_with(fmt::format("[{}]", family->default_validation())));
    for (const auto& other : model_families()) {
      for (const Option& option : other->options()) {
        const std::vector<std::string> owners = families_with(option.name);
        const bool is_own = std::ranges::find(owners, family->name()) != owners.end();
        EXPECT_EQ(help_of(option.name, page).empty(), !is_own) << option.name << ' ' << family->name();
      }
    }
  }
}

TEST_F(CliHelp, TheTrainPageListsModelsAndTheOptionsOfEachRun) {
  const std::string page = unfold_ok({"train", "--help"});
  for (const auto& family : model_families()) {
    EXPECT_TRUE(std::regex_search(page, std::regex(fmt::format("\n  {} +{}", family->name(), family->help()))));
    for (const Option& option : family->options()) {
      EXPECT_EQ(help_of(option.name, page).empty(), option.group != OptionGroup::kRun) << option.name;
    }
  }
}

TEST_F(CliHelp, HelpIsACommandToo) {
  EXPECT_EQ(unfold_ok({"help"}), unfold_ok({"--help"}));
  for (const std::string& command : kCommands) {
    EXPECT_EQ(unfold_ok({"help", command}), unfold_ok({command, "--help"}));
  }
  expect_error({"help", "evalute"}, 2, "unknown command \"evalute\"; did you mean evaluate?");
  expect_error({"help", "train", "export"}, 2, "unexpected argument \"export\"");
}

std::size_t longest_prose_line(const std::string& page) {
  std::size_t longest = 0;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  unfold ")) longest = std::max(longest, line.size());
  }
  return longest;
}

TEST_F(CliHelp, PagesAreAsWideAsTheTerminal) {
  if (!has_terminals()) GTEST_SKIP() << "no pseudo-terminals here (/dev/pts is not mounted)";
  const auto help = [this](const std::string& command, const char* columns, unsigned terminal) {
    ProcessOptions options = process_options();
    options.environment["COLUMNS"] = columns;
    options.terminal_columns = terminal;
    return run_process(command_line({"help", command}), options).out;
  };
  for (const std::string& command : kCommands) {
    for (const std::size_t columns : {44u, 64u, 80u, 150u}) {
      const std::string page = help(command, std::to_string(columns).c_str(), 0);
      EXPECT_LE(longest_prose_line(page), columns) << page;
      EXPECT_EQ(help(command, "", static_cast<unsigned>(columns)), page) << command;
    }
    // An example stays one line that can be copied, and fits the usual terminal.
    const std::string page = help(command, "80", 0);
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  }
  EXPECT_GT(longest_prose_line(help("train", "150", 0)), 140u);
}

TEST_F(CliHelp, ExamplesAreWrappedAsAShellReadsThem) {
  ProcessOptions options = process_options();
  for (const std::string& command : kCommands) {
    options.environment["COLUMNS"] = "200";
    const std::string wide = run_process(command_line({"help", command}), options).out;
    for (const char* columns : {"40", "60", "72"}) {
      options.environment["COLUMNS"] = columns;
      std::string page = run_process(command_line({"help", command}), options).out;
      std::istringstream lines(page);
      for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), std::stoul(columns)) << line;
      page = std::regex_replace(page, std::regex(" \\\\\n +"), " ");
      EXPECT_THAT(page, HasSubstr(wide.substr(wide.rfind("\n  ") + 1))) << command;
    }
  }
}

TEST_F(CliHelp, NamesAMisspeltCommandBeforeItsFlags) {
  const char* expected = "unknown command \"trian\"; did you mean train?";
  for (const char* flag : {"--help", "-h", "--version", "--out", "--xyzzy", "--dim=3"}) {
    expect_error({"trian", flag}, 2, expected);
    expect_error({"trian", "x.csv", flag, "m"}, 2, expected);
  }
  expect_error({"--config", "nosuch.toml", "trian", "x.csv"}, 2, expected);
  expect_error({"--quiet", "trian", "x.csv"}, 2, expected);
  expect_error({"qqqq", "--help"}, 2, "unknown command \"qqqq\"; unfold help lists all of them");
  expect_error({"--quiet", "train", "x.csv", "--out", "m"}, 2,
               "--quiet comes after the command: unfold train ... --quiet");
}

TEST_F(CliHelp, TellsItsVersionAndBuild) {
  EXPECT_THAT(unfold_ok({"--version"}), HasSubstr("unfold "));
  EXPECT_THAT(unfold_ok({"info"}), HasSubstr("CPU"));
  EXPECT_EQ(unfold_ok({"info"}).find("this build is for the CPU alone") == std::string::npos, has_cuda_backend());
  const nlohmann::json info = nlohmann::json::parse(unfold_ok({"info", "--json"}));
  EXPECT_FALSE(info["cpu_targets"].empty());
  cpu_set_t cpus;
  ASSERT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  EXPECT_EQ(info["threads"], CPU_COUNT(&cpus));
}

TEST_F(CliHelp, SuggestsTheNearestWord) {
  expect_error({"trian", "x.csv"}, 2, "unknown command \"trian\"; did you mean train?");
  expect_error({"train", "x.csv", "--out", "m", "--epoch", "3"}, 2, "unknown option --epoch; did you mean --epochs?");
  expect_error({"train", "x.csv", "--out", "m", "--learningrate=3"}, 2, "did you mean --learning-rate?");
  expect_error({"train", "x.csv", "--out", "m", "--xyzzy"}, 2, "unknown option --xyzzy");
  expect_error({}, 2, "a command is needed");
}

TEST_F(CliHelp, CompletionScriptsAreWellFormed) {
  EXPECT_THAT(unfold_ok({"completion", "zsh"}), HasSubstr("#compdef unfold"));
  expect_error({"completion", "tcsh"}, 2, "SHELL tcsh: use bash, zsh or fish");
}

TEST_F(CliHelp, CompletionWorksInBash) {
  if (!std::filesystem::exists("/bin/bash")) GTEST_SKIP() << "bash is not here";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"train --learning", "--learning-rate --learning-rate-decay"},
      {"ev", "evaluate"},
      {"train --model s", "softmax"},
      {"train --temp", ""},
      {"train --model softmax --temp", "--temperature"},
      {"train --model = softmax --temp", "--temperature"},
      {"train --optimizer a", "adagrad adam"},
      {"train --optimizer = a", "adagrad adam"},
      {"train --model softmax --loss ''", "softmax bsl bpr"},
      {"export --format w", "word2vec"},
      {"completion f", ""},
  };
  std::string script = unfold_ok({"completion", "bash"}), expected;
  for (const auto& [words, offered] : cases) {
    script +=
        "COMP_WORDS=(unfold " + words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _unfold; echo \"${COMPREPLY[*]}\"\n";
    expected += offered + "\n";
  }
  write_file(path("bash"), script);
  const ProcessResult result = run_process({"bash", path("bash").string()});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, expected);
}

}  // namespace
}  // namespace unfold::test
