// The rule of everything that is written: what exists is replaced only where the user said so, what is read is never
// written, and an open descriptor is written to as it stands.
#pragma once

#include <filesystem>
#include <span>

namespace unfold {

// What becomes of an output whose name is taken.
enum class Existing {
  kRefuse,    // a UsageError, and nothing is replaced, not even what comes while the output is written
  kReplace,   // it is replaced
  kNextFree,  // the output takes the next of NAME, NAME.2, NAME.3, ... that is free
};

// An input, and what the user calls it, for messages: "--test".
struct NamedInput {
  const char* name;
  std::filesystem::path path;
};

// Throws UsageError, before any work, for an output that is an input (under any name), that lies in a folder that is an
// input, or that exists while `existing` is kRefuse. Devices and pipes exist and hold nothing to lose: what writes the
// output says whether it may be one. A descriptor (open_descriptor) is written to where it is, whatever it leads to; it
// is refused where that is an input and a regular file. Inputs without a path, or that are not there, are passed over.
void check_output(const std::filesystem::path& output, std::span<const NamedInput> inputs, Existing existing);

// The open descriptor of this process that a name such as /dev/stdout or /dev/fd/3 stands for, else -1. It is written
// to where it is, and is no file that is made or replaced.
int open_descriptor(const std::filesystem::path& path);

// `path` for 1, `path`.2 for 2, ...
std::filesystem::path numbered(const std::filesystem::path& path, unsigned number);
// The first of these that is free at the moment.
std::filesystem::path next_free(const std::filesystem::path& path);

}  // namespace unfold
