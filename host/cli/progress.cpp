#include "host/cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "host/cli/streams.hpp"
#include "host/cli/terminal.hpp"
#include "host/cli/training_summary.hpp"

namespace unfold::cli {
namespace {

// The terminal understands "erase to the end of the line".
bool is_live_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), live_(!quiet && is_live_terminal()) {}

void Progress::say(const std::string& text) {
  if (!quiet_) warn(text);
}

void Progress::warn(const std::string& text) {
  clear();
  print_err("{}\n", text);
}

void Progress::show(const std::string& text) {
  const std::size_t width = std::max<std::size_t>(terminal_width(STDERR_FILENO).value_or(80), 2);
  print_err("\r{}\x1b[K", std::string_view(text).substr(0, width - 1));
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  print_err("\r\x1b[K");
  shown_ = false;
}

void Progress::importing(const std::string& file, std::uint64_t bytes_done, std::uint64_t bytes_total) {
  if (!live_) {
    if (!import_said_) say("reading " + file);
    import_said_ = true;
    return;
  }
  if (bytes_total == 0) return show(fmt::format("reading {}  {} MB", file, bytes_done / 1'000'000));  // a pipe
  const double share = double(bytes_done) / double(bytes_total);
  show(fmt::format("reading {}  {:.0f}%", file, 100 * std::min(share, 1.0)));
}

void Progress::training(const TrainProgress& progress) {
  if (!live_) return;
  std::string text = fmt::format("epoch {}/{} {:3.0f}%  {} {:.4f}", progress.epoch, progress.n_epochs,
                                 100 * progress.epoch_progress, progress.loss_name, progress.train_loss);
  if (!validation_.empty()) text += fmt::format("  {} (best: epoch {})", validation_, progress.best_epoch);
  show(text + fmt::format("  ETA {}  {} ratings/s", format_seconds(progress.eta_seconds),
                          format_rate(progress.ratings_per_second)));
}

void Progress::epoch(const nlohmann::ordered_json& line, std::uint32_t n_epochs) {
  validation_ = validation_text(line);
  if (quiet_ || live_) return;
  std::string text = fmt::format("epoch {}/{}", line.value("epoch", 0u), n_epochs);
  for (const auto& [key, value] : line.items()) {
    if (key.starts_with("train_") && value.is_number()) {
      text += fmt::format("  train {} {:.4f}", key.substr(key.find('_') + 1), value.get<double>());
    }
  }
  if (!validation_.empty()) text += "  " + validation_;
  text += fmt::format("  {} ratings/s  {}", format_rate(line.value("ratings_per_second", 0.0)),
                      format_seconds(line.value("seconds", 0.0)));
  if (line.contains("wait_share")) text += fmt::format("  device waiting {:.1f}%", 100 * line.value("wait_share", 0.0));
  say(text);
}

std::string format_seconds(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_rate(double per_second) {
  if (per_second >= 1e9) return fmt::format("{:.2f} G", per_second / 1e9);
  if (per_second >= 1e6) return fmt::format("{:.2f} M", per_second / 1e6);
  if (per_second >= 1e4) return fmt::format("{:.1f} k", per_second / 1e3);
  return fmt::format("{:.0f}", per_second);
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::ptrdiff_t at = std::ptrdiff_t(text.size()) - 3; at > 0; at -= 3) text.insert(std::size_t(at), 1, ',');
  return text;
}

}  // namespace unfold::cli
