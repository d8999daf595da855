// What a run tells while it works, on stderr: a live line on a terminal, plain lines elsewhere, nothing when quiet.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "unfold/train.hpp"

namespace unfold::cli {

// What --quiet does, where it does not do more.
inline constexpr const char* kQuietHelp = "no notices on stderr; warnings and errors remain";

class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A line that stays. A warning is said even when quiet.
  void say(const std::string& text);
  void warn(const std::string& text);

  // Off a terminal, one line the first time.
  void importing(const std::string& file, std::uint64_t bytes_done, std::uint64_t bytes_total);
  void training(const TrainProgress& progress);
  // Remembers the validation scores for the live line. Off a terminal, the epoch's line; `n_epochs` is the planned
  // number.
  void epoch(const nlohmann::ordered_json& line, std::uint32_t n_epochs);
  // Takes the live line off the terminal.
  void clear();

 private:
  void show(const std::string& text);

  bool quiet_;
  bool live_;
  bool shown_ = false;
  bool import_said_ = false;
  std::string validation_;  // scores of the last epoch that ended; empty: none
};

// "95 s", "4 min 10 s", "2 h 5 min".
std::string format_seconds(double seconds);
// "950", "12.3 k", "4.56 M", "1.23 G".
std::string format_rate(double per_second);
// 100836 as "100,836".
std::string format_count(std::uint64_t count);

}  // namespace unfold::cli
