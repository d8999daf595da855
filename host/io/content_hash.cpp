#include "host/io/content_hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

namespace unfold {

ContentHash hash_digits(std::uint64_t high, std::uint64_t low) { return fmt::format("{:016x}{:016x}", high, low); }

ContentHash hash_bytes(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return hash_digits(hash.high64, hash.low64);
}

ContentHash hash_text(std::string_view text) { return hash_bytes(std::as_bytes(std::span(text.data(), text.size()))); }

}  // namespace unfold
