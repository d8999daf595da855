#include "unfold/embedding_map.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <set>

#include "host/map/svg.hpp"
#include "tests/eval/eval_support.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using test::count_of;
using test::TempDirectory;

// "" for well-formed XML, else what is wrong: tags nest, attributes are quoted, entities are known, text is text.
std::string xml_fault(const std::string& xml) {
  static const std::regex kTag("<(/?)([a-zA-Z]+)((?: [a-zA-Z0-9-]+=\"[^\"<>&]*(?:&[a-z]+;[^\"<>&]*)*\")*)(/?)>");
  static const std::regex kEntity("&(amp|lt|gt|quot);");
  std::vector<std::string> open;
  std::string text;
  auto at = xml.cbegin();
  std::smatch match;
  while (std::regex_search(at, xml.cend(), match, kTag)) {
    text += match.prefix();
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != match[2]) return "closes " + match[2].str();
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2]);
    }
    at = match[0].second;
    if (open.empty() && std::string(at, xml.cend()) != "\n") return "text after the end";
  }
  text = std::regex_replace(text, kEntity, "");
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') return fmt::format("a bare {}", c);
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return "a control character";
  }
  return open.empty() ? "" : open.back() + " stays open";
}

struct Mark {
  std::string shape, style, label;
  double x = 0, y = 0;
};

// The items and users of a picture, by label.
std::map<std::string, Mark> marks_of(const std::string& svg) {
  static const std::regex kMark(
      "<(circle|path) class=\"([a-z0-9]+)\" (?:cx=\"([-0-9.]+)\" cy=\"([-0-9.]+)\"|d=\"M([-0-9.]+) ([-0-9.]+))[^>]*>"
      "<title>([^<]*)</title></\\1>");
  std::map<std::string, Mark> marks;
  for (std::sregex_iterator match(svg.begin(), svg.end(), kMark), end; match != end; ++match) {
    const int first = (*match)[3].matched ? 3 : 5;
    const Mark mark{(*match)[1], (*match)[2], (*match)[7], std::stod((*match)[first]), std::stod((*match)[first + 1])};
    EXPECT_TRUE(marks.emplace(mark.label, mark).second) << mark.label;
  }
  return marks;
}

Model random_model(std::uint32_t n_users, std::uint32_t n_items, std::uint32_t dim) {
  Model model = test::empty_model(n_users, n_items, dim);
  std::mt19937_64 random(4);
  std::normal_distribution<float> normal;
  for (float& x : model.tensors.at("user.embedding").data) x = normal(random);
  for (float& x : model.tensors.at("item.embedding").data) x = normal(random);
  return model;
}

struct Drawn {
  EmbeddingMapReport report;
  std::string svg;
};

Drawn draw(const Model& model, const ItemGroups* groups, const EmbeddingMapOptions& options = {}) {
  const TempDirectory directory;
  Drawn drawn;
  drawn.report = write_embedding_map(model, groups, options, directory / "map.svg");
  drawn.svg = test::read_file(directory / "map.svg");
  EXPECT_EQ(xml_fault(drawn.svg), "");
  return drawn;
}

TEST(EmbeddingMap, DrawsACircleAnItem) {
  const Model model = random_model(7, 50, 5);
  const Drawn drawn = draw(model, nullptr);
  EXPECT_EQ(drawn.report.n_items_drawn, 50u);
  EXPECT_EQ(drawn.report.n_users_drawn, 0u);
  EXPECT_EQ(count_of(drawn.svg, "<circle"), 50u);
  const auto marks = marks_of(drawn.svg);
  ASSERT_EQ(marks.size(), 50u);
  for (const auto& [label, mark] : marks) {
    EXPECT_EQ(mark.style, "none");
    EXPECT_NE(model.item_ids.find(label), kNoRow);
  }
}

// Embeddings with two columns are drawn as they are, turned, mirrored and shifted: distances keep their proportions.
TEST(EmbeddingMap, KeepsDistancesInThePlane) {
  const Model model = random_model(3, 20, 2);
  const Drawn drawn = draw(model, nullptr);
  EXPECT_NEAR(drawn.report.variance_share[0] + drawn.report.variance_share[1], 1, 1e-12);
  const auto marks = marks_of(drawn.svg);
  const auto distance = [&](Row a, Row b) {
    const Mark& m = marks.at(fmt::format("i{}", a));
    const Mark& n = marks.at(fmt::format("i{}", b));
    return std::hypot(m.x - n.x, m.y - n.y);
  };
  const auto expected = [&](Row a, Row b) {
    const float* const data = model.tensors.at("item.embedding").data.data();
    return std::hypot(static_cast<double>(data[2 * a] - data[2 * b]),
                      static_cast<double>(data[2 * a + 1] - data[2 * b + 1]));
  };
  const double scale = distance(0, 1) / expected(0, 1);
  for (Row a = 0; a < 20; ++a) {
    for (Row b = 0; b < a; ++b) EXPECT_NEAR(distance(a, b), scale * expected(a, b), 0.05) << a << " " << b;
  }
}

TEST(EmbeddingMap, ColoursGroupsApart) {
  const Model model = random_model(3, 60, 4);
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) names.push_back(i % 6 == 5 ? "" : fmt::format("<group> & {}", i % 6));
  const ItemGroups groups = make_item_groups(names);
  const Drawn drawn = draw(model, &groups);
  std::map<std::string, std::set<std::string>> styles;  // of a group
  for (const auto& [label, mark] : marks_of(drawn.svg)) {
    const std::size_t bracket = label.find(" (");
    styles[bracket == std::string::npos ? "" : label.substr(bracket)].insert(mark.style);
  }
  ASSERT_EQ(styles.size(), 6u);
  std::set<std::string> distinct;
  for (const auto& [group, of_group] : styles) {
    EXPECT_EQ(of_group.size(), 1u) << group;
    distinct.insert(*of_group.begin());
  }
  EXPECT_EQ(distinct.size(), 6u);
  EXPECT_EQ(styles[""], std::set<std::string>{"none"});
  // The legend: an entry a group, and one for the items without.
  EXPECT_EQ(count_of(drawn.svg, "<circle"), 60u + 6u);
  EXPECT_EQ(count_of(drawn.svg, "id=\"legend\""), 1u);
  EXPECT_EQ(count_of(drawn.svg, "&lt;group&gt; &amp; 3</text>"), 1u);
}

TEST(EmbeddingMap, RepeatsMarksForManyGroups) {
  const Model model = random_model(3, 40, 4);
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back(fmt::format("{:02}", i));
  const ItemGroups groups = make_item_groups(names);
  const Drawn drawn = draw(model, &groups);
  EXPECT_EQ(count_of(drawn.svg, "id=\"legend\""), 0u);
  EXPECT_EQ(count_of(drawn.svg, "40 of them, so marks repeat"), 1u);
  const auto marks = marks_of(drawn.svg);
  EXPECT_EQ(marks.at("i0 (group 00)").style, marks.at("i18 (group 18)").style);
  std::set<std::string> distinct;
  for (const auto& [label, mark] : marks) distinct.insert(mark.style);
  EXPECT_EQ(distinct.size(), 18u);
  for (const std::string& style : distinct) EXPECT_EQ(count_of(drawn.svg, "circle." + style + "{"), 1u) << style;
}

TEST(EmbeddingMap, DrawsUsersByTheGroupTheyShare) {
  Model model = random_model(4, 4, 3);
  model.seen = test::seen_items({{0, 2}, {0, 1}, {}, {1, 3}}, 4);
  const ItemGroups groups = make_item_groups({"a", "b", "a", ""});
  const Drawn drawn = draw(model, &groups, {.users = true});
  EXPECT_EQ(drawn.report.n_users_drawn, 4u);
  const auto marks = marks_of(drawn.svg);
  EXPECT_EQ(marks.size(), 8u);
  EXPECT_EQ(marks.at("u0 (group a)").style, marks.at("i0 (group a)").style);
  EXPECT_EQ(marks.at("u1").style, "none");                                    // of two groups
  EXPECT_EQ(marks.at("u2").style, "none");                                    // of none
  EXPECT_EQ(marks.at("u3 (group b)").style, marks.at("i1 (group b)").style);  // the other item has no group
  EXPECT_EQ(marks.at("u1").shape, "path");
  EXPECT_EQ(marks.at("i3").shape, "circle");
}

TEST(EmbeddingMap, DrawsASampleOfMany) {
  const Model model = random_model(600, 700, 3);
  const Drawn drawn = draw(model, nullptr, {.users = true, .max_points = 100});
  EXPECT_EQ(drawn.report.n_items_drawn, 100u);
  EXPECT_EQ(drawn.report.n_users_drawn, 100u);
  EXPECT_EQ(marks_of(drawn.svg).size(), 200u);
  EXPECT_EQ(count_of(drawn.svg, "a random sample of 100 of 700 items (circles)"), 1u);
  EXPECT_EQ(count_of(drawn.svg, "a random sample of 100 of 600 users (crosses)"), 1u);
  // From all rows alike, not from the most frequent ones, which come first.
  double sum = 0;
  for (const auto& [label, mark] : marks_of(drawn.svg)) sum += label[0] == 'i' ? std::stod(label.substr(1)) : 0;
  EXPECT_NEAR(sum / 100, 350, 5 * 700 / std::sqrt(12.0 * 100));
}

TEST(EmbeddingMap, IsTheSameEachTime) {
  const Model model = random_model(30, 300, 48);
  EXPECT_EQ(draw(model, nullptr, {.users = true, .max_points = 50}).svg,
            draw(model, nullptr, {.users = true, .max_points = 50}).svg);
}

TEST(EmbeddingMap, TakesModelsWithoutVariance) {
  for (const std::uint32_t dim : {1u, 2u, 40u}) {
    const Drawn drawn = draw(test::empty_model(2, 3, dim), nullptr, {.users = true});
    EXPECT_EQ(drawn.report.variance_share[0], 0);
    const auto marks = marks_of(drawn.svg);
    EXPECT_EQ(marks.at("i0").x, marks.at("i2").x);
    EXPECT_EQ(drawn.svg.find("nan"), std::string::npos);
  }
  EXPECT_EQ(draw(test::empty_model(0, 0, 4), nullptr).report.n_items_drawn, 0u);
}

TEST(EmbeddingMap, EscapesIdsAndTitles) {
  Model model = test::empty_model(1, 0, 2);
  model.tensors.at("item.embedding") = {{3, 2}, {1, 2, 3, 4, 5, 7}};
  for (const char* id : {"<b>\"&\x01", "caf\xE9", "\xEF\xBF\xBF-\xE2\x82\xAC"}) model.item_ids.find_or_add(id);
  const Drawn drawn = draw(model, nullptr, {.title = "</svg>"});
  const auto marks = marks_of(drawn.svg);
  EXPECT_EQ(marks.count("&lt;b&gt;&quot;&amp;\xEF\xBF\xBD"), 1u);
  EXPECT_EQ(marks.count("caf\xEF\xBF\xBD"), 1u);
  EXPECT_EQ(marks.count("\xEF\xBF\xBD-\xE2\x82\xAC"), 1u);
  EXPECT_EQ(count_of(drawn.svg, ">&lt;/svg&gt;</text>"), 1u);
}

TEST(EmbeddingMap, RefusesWhatHasNoPlace) {
  const TempDirectory directory;
  Model model = random_model(3, 4, 2);
  const ItemGroups groups = make_item_groups({"a"});
  EXPECT_THROW(write_embedding_map(model, &groups, {}, directory / "map.svg"), UsageError);
  EXPECT_THROW(write_embedding_map(model, nullptr, {}, directory / "none/map.svg"), DataError);
  model.tensors.at("user.embedding").data[1] = std::numeric_limits<float>::infinity();
  EXPECT_NO_THROW(write_embedding_map(model, nullptr, {}, directory / "items.svg"));
  EXPECT_THROW(write_embedding_map(model, nullptr, {.users = true}, directory / "map.svg"), DataError);
  model.tensors.at("item.embedding").data[5] = std::nanf("");
  try {
    write_embedding_map(model, nullptr, {}, directory / "map.svg");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("item \"i2\" holds nan"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "map.svg"));
}

TEST(Svg, ShortensAtCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "ab…");
  EXPECT_EQ(shortened("äöü", 3), "äöü");
  EXPECT_EQ(shortened("äöüß", 3), "äö…");
  EXPECT_EQ(shortened("", 3), "");
}

}  // namespace
}  // namespace unfold
