#include "unfold/option.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "unfold/error.hpp"

namespace unfold {
namespace {

template <typename T>
std::string refusal(const Allowed& allowed, const char* text) {
  T field{};
  return Option{"x", OptionGroup::kRun, &field, allowed, ""}.refusal(text);
}

TEST(Option, AllowedIsSaidInWords) {
  EXPECT_EQ(Allowed{}.to_string(), "");
  EXPECT_EQ(Allowed::from(1).to_string(), "1 or more");
  EXPECT_EQ(Allowed::over(0).to_string(), "over 0");
  EXPECT_EQ(Allowed::between(1, 1024).to_string(), "1 to 1024");
  EXPECT_EQ((Allowed{.least = 0, .most = 1, .excludes_most = true}.to_string()), "0 or more, below 1");
  EXPECT_EQ((Allowed{.least = 0, .most = 1, .excludes_least = true}.to_string()), "over 0, up to 1");
  EXPECT_EQ((Allowed{.most = 3}.to_string()), "up to 3");
  EXPECT_EQ((Allowed{.least = 0, .also = -1}.to_string()), "0 or more, or -1");
  EXPECT_EQ((Allowed{.words = {"a"}}.to_string()), "a");
  EXPECT_EQ((Allowed{.words = {"a", "b", "c"}}.to_string()), "a, b or c");
}

TEST(Option, NumbersAreHeldToBothEnds) {
  const Allowed open{.least = 0, .most = 1, .excludes_least = true, .excludes_most = true};
  for (const char* text : {"0.5", "1e-300", "0.9999999"}) EXPECT_EQ(refusal<double>(open, text), "") << text;
  for (const char* text : {"0", "1", "-0.1", "2"})
    EXPECT_EQ(refusal<double>(open, text), "use a number over 0, below 1");
  for (const char* text : {"", "x", "0.5x", " 0.5", "nan", "inf"}) EXPECT_NE(refusal<double>(open, text), "") << text;
  EXPECT_EQ(refusal<double>({}, "-1e308"), "");
  EXPECT_EQ(refusal<double>({}, "1e999"), "use a number");
  EXPECT_EQ(refusal<double>({.least = 0, .also = -1}, "-1"), "");
  EXPECT_EQ(refusal<double>({.least = 0, .also = -1}, "-2"), "use 0 or more, or -1");
}

TEST(Option, WholeNumbersAreHeldToTheirTypeToo) {
  EXPECT_EQ(refusal<std::uint32_t>(Allowed::between(1, 9), "9"), "");
  EXPECT_EQ(refusal<std::uint32_t>(Allowed::between(1, 9), "10"), "use 1 to 9");
  EXPECT_EQ(refusal<std::uint32_t>(Allowed::between(1, 9), "99999999999"), "use 1 to 9");
  EXPECT_EQ(refusal<std::uint32_t>(Allowed::between(1, 9), "1.5"), "use a whole number, 1 to 9");
  EXPECT_EQ(refusal<std::uint32_t>({}, "-1"), "use 0 or more");
  EXPECT_EQ(refusal<std::uint32_t>({}, "4294967296"), "use 0 to 4294967295");
  EXPECT_EQ(refusal<std::uint64_t>({}, "18446744073709551615"), "");
  EXPECT_EQ(refusal<std::uint64_t>({}, "18446744073709551616"), "use 0 to 18446744073709551615");
}

TEST(Option, WordsAndFlags) {
  const Allowed words{.words = {"sgd", "adam"}};
  EXPECT_EQ(refusal<std::string>(words, "adam"), "");
  EXPECT_EQ(refusal<std::string>(words, "Adam"), "use sgd or adam");
  EXPECT_EQ(refusal<std::string>({}, "anything, even this"), "");
  EXPECT_EQ(refusal<bool>({}, "true"), "");
  EXPECT_EQ(refusal<bool>({}, "maybe"), "use true or false");
}

TEST(Option, SetsItsFieldOrLeavesItAsItWas) {
  double rate = 0.5;
  const Option option{"rate", OptionGroup::kRun, &rate, Allowed::over(0), "the rate"};
  option.set("0.25");
  EXPECT_EQ(rate, 0.25);
  EXPECT_EQ(option.text(), "0.25");
  EXPECT_EQ(option.json(), 0.25);
  EXPECT_THROW(option.set("-1"), UsageError);
  EXPECT_EQ(rate, 0.25);
  option.check();
  rate = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(option.check(), UsageError);
}

}  // namespace
}  // namespace unfold
