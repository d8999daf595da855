// Checksums of bytes: XXH3 of 128 bits, in 32 hexadecimal digits.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace unfold {

using ContentHash = std::string;

ContentHash hash_bytes(std::span<const std::byte> bytes);
ContentHash hash_text(std::string_view text);

}  // namespace unfold
