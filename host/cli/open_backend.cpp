#include "host/cli/open_backend.hpp"

#include <fmt/format.h>

#include "host/ops/ops.hpp"
#include "unfold/version.hpp"

namespace unfold::cli {

void add_device_options(OptionSet& options, std::string& device, std::uint32_t& threads) {
  options.add(device, "device", "auto, cpu, cuda or cuda:N");
  options.add(threads, "threads", "CPU threads, of which no more run than the process may use; 0: as many",
              Allowed::between(0, cpu::kMaxThreads));
}

std::unique_ptr<Backend> open_backend(const std::string& device, unsigned threads, Progress& progress) {
  return make_backend(device, threads, [&progress](const std::string&) {
    progress.say("note: no GPU can be used here, so the CPU is; unfold info says why");
  });
}

std::string backend_text(const Backend& backend) {
  return fmt::format("{}: {}{}", backend.name(), backend.description(),
                     has_cuda_backend() ? "" : " (this build is for the CPU alone)");
}

}  // namespace unfold::cli
