// Cuts a workspace that begins at a multiple of 64 bytes into arrays that do.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace unfold::cpu {

template <typename T>
constexpr T round_up(T n, T to) {
  return (n + to - 1) / to * to;
}

class WorkspaceCutter {
 public:
  explicit WorkspaceCutter(std::span<std::byte> memory) : memory_(memory) {}
  template <typename T>
  static std::uint64_t bytes(std::uint64_t n) {
    return round_up<std::uint64_t>(n * sizeof(T), 64);
  }
  template <typename T>
  T* take(std::uint64_t n) {
    auto* const array = reinterpret_cast<T*>(memory_.data());
    memory_ = memory_.subspan(std::min<std::uint64_t>(bytes<T>(n), memory_.size()));
    return array;
  }
  std::uint64_t left_bytes() const { return memory_.size(); }

 private:
  std::span<std::byte> memory_;
};

}  // namespace unfold::cpu
