// Memory in a temporary file without a name, for what may be larger than the machine's memory: the kernel writes it out
// where it needs the room, and removes it with its owner, however the process ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace unfold {

class TemporaryMap {
 public:
  TemporaryMap() = default;
  // Zeroed, in the system's folder for temporary files. Throws DataError where there is no room on its disk.
  explicit TemporaryMap(std::uint64_t bytes);
  TemporaryMap(TemporaryMap&& other) noexcept { swap(other); }
  TemporaryMap& operator=(TemporaryMap&& other) noexcept {
    TemporaryMap moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~TemporaryMap();

  std::span<std::byte> bytes() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  void swap(TemporaryMap& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace unfold
