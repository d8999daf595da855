// unfold info
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "unfold/dataset.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/version.hpp"

namespace unfold::cli {
namespace {

int run(bool json) {
  const BuildInfo info = build_info();
  if (json) {
    print_out("{}\n", json_page({{"version", info.version},
                                 {"commit", info.commit},
                                 {"compiler", info.compiler},
                                 {"build_type", info.build_type},
                                 {"cuda", info.cuda},
                                 {"cpu_targets", info.cpu_targets},
                                 {"threads", info.threads},
                                 {"memory_bytes", available_host_bytes()},
                                 {"devices", info.devices},
                                 {"device_notice", info.device_notice},
                                 {"cache", default_cache_directory().string()}}));
    return 0;
  }
  print_out("unfold {}{}\n", info.version, info.commit.empty() ? "" : " (" + info.commit + ")");
  print_out("built with   {}, {}\n", info.compiler, info.build_type);
  print_out("CUDA         {}\n", info.cuda.empty() ? "not in this build" : info.cuda);
  print_out("CPU          {} threads; {}\n", info.threads, fmt::join(info.cpu_targets, " "));
  print_out("memory       {} free\n", format_bytes(available_host_bytes()));
  for (const std::string& device : info.devices) print_out("GPU          {}\n", device);
  if (info.devices.empty()) {
    const std::string reason = has_cuda_backend() ? info.device_notice : "this build is for the CPU alone";
    print_out("GPU          none{}\n", reason.empty() ? "" : ": " + reason);
  }
  print_out("cache        {}\n", default_cache_directory().string());
  return 0;
}

}  // namespace

RunCommand add_info(CLI::App& root) {
  CLI::App& app = add_command(root, "info", "print the version, the build, CPU features and devices",
                              "Example:\n  unfold info --json");
  auto json = std::make_shared<bool>(false);
  OptionSet(app).add(*json, "json", "print one JSON object");
  return [json] { return run(*json); };
}

}  // namespace unfold::cli
