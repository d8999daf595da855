// Checksums of bytes: XXH3 of 128 bits, in 32 hexadecimal digits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace unfold {

using ContentHash = std::string;

// The digits of a hash's two halves.
ContentHash hash_digits(std::uint64_t high, std::uint64_t low);
ContentHash hash_bytes(std::span<const std::byte> bytes);
ContentHash hash_text(std::string_view text);

}  // namespace unfold
