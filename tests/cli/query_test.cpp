// unfold recommend and unfold neighbors as a user runs them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <thread>

#include "tests/eval/eval_support.hpp"
#include "tests/support/cli_test.hpp"
#include "tests/support/small_model.hpp"

namespace unfold::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Users u0 .. u4 like items by number: user u scores item i u * i, and user 4 has seen all but items 1 and 3.
Model ladder() {
  Model model = empty_model(5, 6, 2);
  for (Row u = 0; u < 5; ++u) model.tensors.at("user.embedding").data[2 * u] = static_cast<float>(u);
  for (Row i = 0; i < 6; ++i) {
    model.tensors.at("item.embedding").data[2 * i] = static_cast<float>(i);
    model.tensors.at("item.embedding").data[2 * i + 1] = i == 0 ? 0.0f : 1.0f;
  }
  model.seen = seen_items({{}, {}, {}, {5}, {0, 2, 4, 5}}, 6);
  return model;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class CliQuery : public CliTest {
 protected:
  CliQuery() {
    save_model(ladder(), path("m"), false);
    write_file(path("items.csv"), "itemId,title\ni5,\"Five, \"\"quoted\"\"\"\ni4,Four\ni1,\xe9t\xe9\nother,x\n");
  }
};

TEST_F(CliQuery, PrintsATable) {
  EXPECT_EQ(unfold_ok({"recommend", "m", "--user", "u2", "-k", "3", "--items", "items.csv"}),
            "user u2\n"
            "rank  item      score  title\n"
            "   1  i5       10.000  Five, \"quoted\"\n"
            "   2  i4        8.000  Four\n"
            "   3  i3        6.000\n");
  EXPECT_EQ(unfold_ok({"recommend", "m", "--user", "u4"}),
            "user u4\n"
            "rank  item      score\n"
            "   1  i3       12.000\n"
            "   2  i1        4.000\n"
            "2 of 10 listed: no other item is left\n");
  const std::string neighbors = unfold_ok({"neighbors", "m", "--item", "i4", "-k", "2", "--items", "items.csv"});
  EXPECT_THAT(neighbors, StartsWith("item i4 Four\n"));
  EXPECT_THAT(neighbors, HasSubstr("   1  i5      0.99887  Five"));
  EXPECT_THAT(neighbors, Not(HasSubstr("  i4  ")));
}

TEST_F(CliQuery, SaysHowManyItemsHaveNoTitle) {
  const ProcessResult result = unfold({"recommend", "m", "--user", "u1", "--items", "items.csv"});
  EXPECT_THAT(result.err, HasSubstr("3 of the model's 6 items are not in items.csv and have no title"));
  EXPECT_THAT(result.out, HasSubstr("\xc3\xa9t\xc3\xa9")) << "Latin-1 was read";
  EXPECT_EQ(unfold({"recommend", "m", "--user", "u1", "--items", "items.csv", "--device", "cpu", "--quiet"}).err, "");
}

TEST_F(CliQuery, PrintsJson) {
  json object = json::parse(
      unfold_ok({"recommend", "m", "--user", "u4", "--exclude-seen", "--json", "--items", "items.csv", "-k", "5"}));
  EXPECT_EQ(object["user"], "u4");
  EXPECT_EQ(object["k"], 5);
  EXPECT_EQ(object["n_listed"], 2);
  ASSERT_THAT(object["items"], SizeIs(2));
  EXPECT_EQ(object["items"][0], json({{"rank", 1}, {"item", "i3"}, {"score", 12.0}, {"title", nullptr}}));
  EXPECT_EQ(object["items"][1]["title"], "\xc3\xa9t\xc3\xa9");
  object = json::parse(unfold_ok({"neighbors", "m", "--item", "i5", "--json", "-k", "1"}));
  EXPECT_EQ(object["item"], "i5");
  EXPECT_EQ(object["items"][0]["item"], "i4");
  EXPECT_FALSE(object["items"][0].contains("title"));

  write_file(path("ids.txt"), "u3\nu1\n");
  const json array = json::parse(unfold_ok({"recommend", "m", "--ids", "ids.txt", "--json"}));
  ASSERT_THAT(array, SizeIs(2));
  EXPECT_EQ(array[0]["user"], "u3");
  EXPECT_EQ(array[1]["items"][5], json({{"rank", 6}, {"item", "i0"}, {"score", 0.0}}));
}

TEST_F(CliQuery, WritesLinesForAFileOfIds) {
  write_file(path("ids.txt"), "\xef\xbb\xbfu3\r\n\r\nu1\nu3");
  const std::string expected =
      "u3\t1\ti5\t15\nu3\t2\ti4\t12\n"
      "u1\t1\ti5\t5\nu1\t2\ti4\t4\n"
      "u3\t1\ti5\t15\nu3\t2\ti4\t12\n";
  EXPECT_EQ(unfold_ok({"recommend", "m", "--ids", "ids.txt", "-k", "2", "--include-seen"}), expected);
  write_file(path("lists.tsv"), "an older file");
  const std::vector<std::string> into = {"recommend",      "m",     "--ids",    "ids.txt", "-k", "2",
                                         "--include-seen", "--out", "lists.tsv"};
  expect_error(into, 2, "lists.tsv: exists already");
  EXPECT_EQ(read_file(path("lists.tsv")), "an older file");
  std::vector<std::string> over = into;
  over.emplace_back("--overwrite");
  EXPECT_EQ(unfold_ok(over), "");
  EXPECT_EQ(read_file(path("lists.tsv")), expected);
  EXPECT_EQ(unfold_ok({"recommend", "m", "--user", "u1", "-k", "1", "--out", "one.tsv", "--items", "items.csv"}), "");
  EXPECT_EQ(read_file(path("one.tsv")), "u1\t1\ti5\t5\tFive, \"quoted\"\n");
  EXPECT_THAT(listing(), ElementsAre("ids.txt", "items.csv", "lists.tsv", "m", "one.tsv"));

  write_file(path("all.txt"), "u4\nu3\nu2\n");
  const ProcessResult few =
      unfold({"recommend", "m", "--ids", "all.txt", "-k", "5", "--exclude-seen", "--device", "cpu", "--quiet"});
  EXPECT_THAT(lines_of(few.out), SizeIs(2 + 5 + 5));
  EXPECT_EQ(few.err, "unfold: 1 of 3 lists have fewer than 5 items: no others are left\n");
}

TEST_F(CliQuery, IdsOfAnyBytesComeBackAsTheyWere) {
  save_model(small_model(), path("odd"), false);
  const json object = json::parse(unfold_ok({"recommend", "odd", "--user", "quo\"te", "--json"}));
  EXPECT_EQ(object["user"], "quo\"te");
  EXPECT_EQ(object["n_listed"], 4);
  EXPECT_THAT(unfold_ok({"recommend", "odd", "--user", "com,ma"}), HasSubstr("tab\\x09here"));
  write_file(path("ids.txt"), "with space\n\xff\xfe bytes\n");
  const std::string lines = unfold_ok({"recommend", "odd", "--ids", "ids.txt"});
  EXPECT_THAT(lines, HasSubstr("\n\xff\xfe bytes\t1\t"));
  EXPECT_THAT(lines, HasSubstr("\t\"tab\there\"\t")) << "quoted, as a file of ratings may have it";
  EXPECT_THAT(lines, HasSubstr("\t100%\t"));
}

TEST_F(CliQuery, SuggestsIdsNearAnUnknownOne) {
  expect_error({"recommend", "m", "--user", "u44"}, 3, "no user of m has the id \"u44\"; did you mean \"u4\"?");
  expect_error({"recommend", "m", "--user", "U3 "}, 3, "did you mean \"u3\"?");
  expect_error({"recommend", "m", "--user", "quite another"}, 3,
               "its 5 users have ids such as \"u0\", \"u1\" and \"u2\"");
  expect_error({"neighbors", "m", "--item", "5i"}, 3, "no item of m has the id \"5i\"; did you mean \"i5\"");
  write_file(path("ids.txt"), "u1\n\nu2\nu33\nu1\nnobody\n");
  expect_error({"recommend", "m", "--ids", "ids.txt", "--out", "lists.tsv"}, 3,
               "ids.txt:4: no user of m has the id \"u33\"; did you mean \"u3\"? (unknown, too: 1 of the lines after");
  write_file(path("ids.txt"), "\n\n");
  expect_error({"recommend", "m", "--ids", "ids.txt"}, 3, "ids.txt: only blank lines");
  write_file(path("ids.txt"), "");
  expect_error({"recommend", "m", "--ids", "ids.txt"}, 3, "it should hold ids, one a line");
  write_file(path("ids.txt"), std::string("u1\nu\0\n", 6));
  expect_error({"recommend", "m", "--ids", "ids.txt"}, 3, "ids.txt:2: the line holds a NUL");
  EXPECT_THAT(listing(), ElementsAre("ids.txt", "items.csv", "m"));
}

TEST_F(CliQuery, AnItemWithoutADirectionHasNoNeighbors) {
  expect_error({"neighbors", "m", "--item", "i0"}, 3, "item \"i0\" has an embedding of length 0");
  write_file(path("ids.txt"), "i1\ni0\ni2\n");
  const ProcessResult result = unfold({"neighbors", "m", "--ids", "ids.txt", "-k", "4"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(lines_of(result.out), SizeIs(8));
  EXPECT_THAT(result.err, HasSubstr("no list for 1 of the 3 items in ids.txt: item \"i0\" has an embedding"));
  EXPECT_THAT(result.out, Not(HasSubstr("i0")));
}

TEST_F(CliQuery, WrongUsage) {
  write_file(path("ids.txt"), "u1\n");
  for (const char* command : {"recommend", "neighbors"}) {
    expect_error({command, "m"}, 2, "or --ids FILE");
    expect_error({command}, 2, "MODEL");
    expect_error({command, "m", "--ids", "ids.txt", "-k", "0"}, 2, "-k 0: use 1 to 1024");
    expect_error({command, "m", "--ids", "ids.txt", "-k", "1025"}, 2, "-k 1025: use 1 to 1024");
    expect_error({command, "m", "--ids", "ids.txt", "-k", "ten"}, 2, "-k ten: use a whole number, 1 to 1024");
    expect_error({command, "absent", "--ids", "ids.txt"}, 3, "absent");
    expect_error({command, "items.csv", "--ids", "ids.txt"}, 3, "is not a model");
    expect_error({command, "m", "--ids", "absent.txt"}, 3, "absent.txt: no such file");
    expect_error({command, "m", "--ids", "ids.txt", "--out", "none/lists.tsv"}, 3, "none");
    expect_error({command, "m", "--ids", "ids.txt", "--out", "m"}, 2, "is the MODEL of this command");
  }
  expect_error({"recommend", "m", "--user", "u1", "--ids", "ids.txt"}, 2, "not both");
  expect_error({"recommend", "m", "--user", "u1", "--device", "tpu"}, 2, "tpu");
  expect_error({"recommend", "m", "--user", "u1", "--items", "absent.csv"}, 3, "absent.csv: no such file");
  expect_error({"recommend", "m", "--user", "u1", "--items", "m"}, 3, "is a directory; name a file of items");
  expect_error({"recommend", "m", "--user", "u1", "-n", "3"}, 2, "did you mean -k?");
  EXPECT_THAT(listing(), ElementsAre("ids.txt", "items.csv", "m"));
}

// What was held out for validation and test is the user's own too.
TEST_F(CliQuery, LeavesOutAllThatTheUserHas) {
  Model model = ladder();
  model.seen = seen_items({{}, {}, {}, {5}, {4, 5}}, 6);
  model.seen.validation.offsets = model.seen.test.offsets = {0, 0, 0, 0, 0, 1};
  model.seen.validation.items = {0};
  model.seen.test.items = {2};
  save_model(model, path("parts"), false);
  const auto items_listed = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"recommend", "parts", "--user", "u4", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<std::string> items;
    const json list = json::parse(unfold_ok(arguments));
    for (const json& item : list.at("items")) items.push_back(item.at("item"));
    return items;
  };
  EXPECT_THAT(items_listed({}), ElementsAre("i3", "i1"));
  EXPECT_THAT(items_listed({"--exclude-seen"}), ElementsAre("i3", "i1"));
  EXPECT_THAT(items_listed({"--include-seen"}), ElementsAre("i5", "i4", "i3", "i2", "i1", "i0"));
  expect_error({"recommend", "parts", "--user", "u4", "--include-seen", "--exclude-seen"}, 2, "not both");
  EXPECT_THAT(unfold({"recommend", "parts", "--user", "u4"}).err, Not(HasSubstr("was saved without")));
  EXPECT_THAT(unfold({"recommend", "m", "--user", "u4"}).err, HasSubstr("m was saved without the items"));
}

TEST_F(CliQuery, OptionsMayStandInAConfigurationFile) {
  write_file(path("c.toml"), "[recommend]\nk = 2\nexclude-seen = true\n");
  EXPECT_THAT(lines_of(unfold_ok({"recommend", "m", "--user", "u3", "--config", "c.toml"})), SizeIs(4));
}

TEST_F(CliQuery, InterruptedWritingLeavesNothing) {
  std::string ids;
  for (int n = 0; n < 1'000'000; ++n) ids += "u1\n";
  write_file(path("ids.txt"), ids);
  for (const int signal : {SIGINT, SIGTERM}) {
    Process process(command_line({"recommend", "m", "--ids", "ids.txt", "--json", "--out", "lists.json", "--threads",
                                  "1", "--device", "cpu"}),
                    process_options());
    ASSERT_TRUE(process.wait_for_error_text("listing 10 of 6 items"));
    // Until there is something to leave behind.
    for (int n = 0; n < 2000 && listing().size() == 3; ++n) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_THAT(listing(), SizeIs(4));
    process.send_signal(signal);
    const ProcessResult result = process.wait();
    EXPECT_EQ(result.exit_code, 130) << result.err;
    EXPECT_THAT(listing(), ElementsAre("ids.txt", "items.csv", "m"));
  }
}

// The items that recommend lists are those that evaluate would rank first.
TEST_F(CliQuery, ListsWhatATrainedModelRanksFirst) {
  write_ratings("ratings.csv");
  unfold_ok({"train", "ratings.csv", "--out", "trained", "--dim", "4", "--epochs", "2", "--split", "none"});
  std::set<std::string> seen;
  for (const std::string& line : lines_of(read_file(path("ratings.csv")))) {
    if (line.starts_with("u7,")) seen.insert(line.substr(3, line.rfind(',') - 3));
  }
  const json object =
      json::parse(unfold_ok({"recommend", "trained", "--user", "u7", "--exclude-seen", "--json", "-k", "1000"}));
  EXPECT_EQ(object["n_listed"], 61 - seen.size());
  const std::string best = object["items"][0]["item"], last = object["items"].back()["item"];
  for (const json& item : object["items"]) EXPECT_FALSE(seen.contains(item["item"].get<std::string>()));
  const auto reciprocal_rank = [this](const std::string& item) {
    write_file(path("test.csv"), "user,item,rating\nu7," + item + ",3\n");
    return json::parse(unfold_ok({"evaluate", "trained", "--test", "test.csv", "--json"}))["mrr"].get<double>();
  };
  EXPECT_EQ(reciprocal_rank(best), 1);
  EXPECT_DOUBLE_EQ(reciprocal_rank(last), 1.0 / object["n_listed"].get<double>());
}

}  // namespace
}  // namespace unfold::test
