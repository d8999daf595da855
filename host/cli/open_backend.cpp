#include "host/cli/open_backend.hpp"

#include <fmt/format.h>

#include "unfold/version.hpp"

namespace unfold::cli {

std::unique_ptr<Backend> open_backend(const std::string& device, unsigned threads, Progress& progress) {
  return make_backend(device, threads, [&progress](const std::string& notice) { progress.say("note: " + notice); });
}

std::string backend_text(const Backend& backend) {
  return fmt::format("{}: {}{}", backend.name(), backend.description(),
                     has_cuda_backend() ? "" : " (this build is for the CPU alone)");
}

}  // namespace unfold::cli
