#include "host/device/shared_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include "unfold/error.hpp"

namespace unfold {
namespace {

// Null where it does not open; then `answers` says why.
void* try_open(const std::string& name, std::vector<std::string>& answers) {
  void* const library = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) answers.emplace_back(dlerror());
  return library;
}

void* try_open_in(const std::filesystem::path& folder, const std::string& name, std::vector<std::string>& answers) {
  std::error_code ignored;
  const std::filesystem::path file = folder / name;
  if (std::filesystem::exists(file, ignored)) return try_open(file.string(), answers);
  answers.push_back(file.string() + ": no such file");
  return nullptr;
}

}  // namespace

std::filesystem::path program_directory() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

void* open_shared_library(const std::string& name, const std::filesystem::path& beside,
                          const std::vector<std::filesystem::path>& folders, const std::string& remedy) {
  std::vector<std::string> answers;
  if (void* const library = try_open_in(beside, name, answers)) return library;
  if (void* const library = try_open(name, answers)) return library;
  for (const std::filesystem::path& folder : folders) {
    if (void* const library = try_open_in(folder, name, answers)) return library;
  }
  throw DeviceError(fmt::format("{} does not load ({}); {}", name, fmt::join(answers, "; "), remedy));
}

void* shared_symbol(void* library, const char* symbol) {
  void* const address = dlsym(library, symbol);
  if (address == nullptr) throw DeviceError(fmt::format("a shared library is too old or broken: {}", dlerror()));
  return address;
}

}  // namespace unfold
