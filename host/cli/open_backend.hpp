// The device that a command runs on, and what there is to say about it.
#pragma once

#include <memory>
#include <string>

#include "host/cli/option_set.hpp"
#include "host/cli/progress.hpp"
#include "unfold/backend.hpp"

namespace unfold::cli {

// The options --device and --threads.
void add_device_options(OptionSet& options, std::string& device, std::uint32_t& threads);

// The backend of --device and --threads, for commands whose time or result hangs on the device. Where the build has
// CUDA and "auto" found no GPU, that is news, and is said unless the run is quiet. Throws what make_backend throws.
std::unique_ptr<Backend> open_backend(const std::string& device, unsigned threads, Progress& progress);

// "cpu: 8 threads, AVX2", and of a build without CUDA that it is one.
std::string backend_text(const Backend& backend);

}  // namespace unfold::cli
