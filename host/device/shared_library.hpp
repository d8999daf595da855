// Libraries that the program loads when it needs them, so that it starts where they are absent.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace unfold {

// The folder of the running program.
std::filesystem::path program_directory();

// Opens `name` ("libcublas.so.13") from the first place that has it: `beside` (../lib of the program), where the
// dynamic linker looks, then `folders`. It stays open until the program ends. Throws DeviceError saying where it was
// looked for and what each place answered, and ends with `remedy`.
void* open_shared_library(const std::string& name, const std::filesystem::path& beside,
                          const std::vector<std::filesystem::path>& folders, const std::string& remedy);

// The address of `symbol`. Throws DeviceError where the library has none.
void* shared_symbol(void* library, const char* symbol);

}  // namespace unfold
