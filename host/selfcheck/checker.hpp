// Collects what a check of an op finds: how many values were compared, the largest error as a share of its bound, and
// the first failures in words.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/selfcheck/bounded.hpp"

namespace unfold::selfcheck {

class Checker {
 public:
  // The newest checker of a thread is its current one, until it ends.
  Checker() : outer_(std::exchange(current_, this)) {}
  ~Checker() { current_ = outer_; }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;
  static Checker& current() { return *current_; }

  // Words put before every failure while it lives: "dim 33 > user factors > weight row 3".
  class Scope {
   public:
    template <typename... Args>
    explicit Scope(fmt::format_string<Args...> text, Args&&... args) {
      current().scopes_.push_back(fmt::format(text, std::forward<Args>(args)...));
    }
    explicit Scope(const char* text) { current().scopes_.emplace_back(text); }
    ~Scope() { current().scopes_.pop_back(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

  // `actual` equals `expected` up to its bound. Returns whether it does; the words are made only where it does not.
  template <typename... Args>
  bool near(double actual, const Bounded& expected, fmt::format_string<Args...> where, Args&&... args) {
    const double share = share_of_bound(actual, expected);
    worst_share_ = std::max(worst_share_, share);
    ++n_compared_;
    if (share <= 1) return true;
    return fail(fmt::format("{}: got {}, expected {} +- {}", fmt::format(where, std::forward<Args>(args)...), actual,
                            expected.value, expected.error));
  }

  template <typename... Args>
  bool that(bool holds, fmt::format_string<Args...> what, Args&&... args) {
    ++n_compared_;
    if (holds) return true;
    return fail(fmt::format(what, std::forward<Args>(args)...));
  }

  bool failed() const { return n_failed_ > 0; }
  std::uint64_t n_compared() const { return n_compared_; }
  std::uint64_t n_failed() const { return n_failed_; }
  double worst_share() const { return worst_share_; }
  const std::vector<std::string>& failures() const { return failures_; }  // the first kMaxFailures

 private:
  static constexpr std::size_t kMaxFailures = 5;

  bool fail(const std::string& message) {
    ++n_failed_;
    if (failures_.size() < kMaxFailures) {
      std::string words;
      for (const std::string& scope : scopes_) words += scope + " > ";
      failures_.push_back(words + message);
    }
    return false;
  }

  inline static thread_local Checker* current_ = nullptr;
  Checker* outer_;
  std::vector<std::string> scopes_;
  std::uint64_t n_compared_ = 0, n_failed_ = 0;
  double worst_share_ = 0;
  std::vector<std::string> failures_;
};

}  // namespace unfold::selfcheck
