// Which memory belongs to which mapped file. A file that another program cuts short leaves pages without bytes, and
// reading those ends the process with SIGBUS; a handler of that signal finds the file's name here.
#pragma once

#include <cstddef>
#include <string_view>

namespace unfold {

// Past the first 64 maps alive at once a map has no name, and names are cut after 1023 bytes.
void register_map(const void* begin, std::size_t bytes, std::string_view name) noexcept;
void forget_map(const void* begin) noexcept;
// The file whose map holds the address, or null. Async-signal-safe.
const char* find_mapped_file(const void* address) noexcept;

}  // namespace unfold
