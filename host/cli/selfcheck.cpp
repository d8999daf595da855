// unfold selfcheck
#include "unfold/selfcheck.hpp"

#include <fmt/format.h>

#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

struct SelfcheckCommand {
  std::string device = "auto";
  std::uint32_t threads = 0;
  SelfcheckOptions options;
  bool json = false;
};

std::string heading(const Backend& backend) {
  return fmt::format("{}: {}\n{:<20} {:<58} {:>12} {:>10} {:>8}  {}\n", backend.name(), backend.description(), "op",
                     "check", "compared", "error/tol", "seconds", "result");
}

std::string table_row(const SelfcheckResult& r) {
  return fmt::format("{:<20} {:<58} {:>12} {:>10.3f} {:>8.2f}  {}\n", r.op, r.name, format_count(r.n_compared),
                     r.worst_share, r.seconds, r.passed() ? "ok" : "FAILED");
}

nlohmann::ordered_json to_json(const SelfcheckResult& r) {
  return {{"op", r.op},           {"check", r.name},
          {"passed", r.passed()}, {"compared", r.n_compared},
          {"failed", r.n_failed}, {"worst_error_share", r.worst_share},
          {"seconds", r.seconds}, {"failures", r.failures}};
}

int run(const SelfcheckCommand& command) {
  Progress progress(false);
  const std::unique_ptr<Backend> backend = open_backend(command.device, command.threads, progress);
  catch_interrupts();
  std::uint64_t n_failed = 0;
  std::string failures;
  double seconds = 0;
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  const std::vector<SelfcheckResult> results = run_selfcheck(
      *backend, command.options,
      [&](const SelfcheckResult& result) {
        seconds += result.seconds;
        n_failed += result.passed() ? 0 : 1;
        if (result.n_compared == 0) failures += fmt::format("{}: nothing was compared\n", result.name);
        for (const std::string& failure : result.failures) failures += fmt::format("{}: {}\n", result.name, failure);
        lines.push_back(to_json(result));
        if (command.json) return;
        if (lines.size() == 1) print_out("{}", heading(*backend));
        print_out("{}", table_row(result));
        flush_stdout();
      },
      interrupted);
  throw_if_interrupted();
  if (command.json) {
    print_out("{}\n", json_page({{"device", backend->name()},
                                 {"description", backend->description()},
                                 {"passed", n_failed == 0},
                                 {"seconds", seconds},
                                 {"checks", lines}}));
  } else {
    print_out("{}{} of {} checks passed in {:.1f} s\n", failures, results.size() - n_failed, results.size(), seconds);
  }
  if (n_failed > 0) {
    throw DeviceError(
        fmt::format("{} of {} checks failed on {}: do not trust what it computes; see the driver, and "
                    "report it with the output of unfold info",
                    n_failed, results.size(), backend->description()));
  }
  return 0;
}

}  // namespace

RunCommand add_selfcheck(CLI::App& root) {
  CLI::App& app = add_command(
      root, "selfcheck", "check every op on a device against a float64 reference",
      "error/tol is the largest error found as a share of what float32 rounding allows; above 1 is a failure.\n\n"
      "Example:\n  unfold selfcheck --device cuda");
  auto command = std::make_shared<SelfcheckCommand>();
  OptionSet options(app);
  add_device_options(options, command->device, command->threads);
  options.add(command->options.op, "op", "check this op alone, such as update_rows");
  options.add(command->options.quick, "quick", "a few dimensions instead of all");
  options.add(command->options.seed, "seed", "of the inputs");
  options.add(command->json, "json", "print one JSON object");
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
