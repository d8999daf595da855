// Cuts a workspace into arrays. The same code with no memory adds up the bytes that are needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace unfold::cuda {

class Workspace {
 public:
  // Without memory: take() returns null and used_bytes() says what to allocate.
  Workspace() = default;
  explicit Workspace(std::span<std::byte> memory) : memory_(memory.data()), size_(memory.size()) {}

  // `count` elements, aligned to 256 bytes. Null too where the memory ends before; see fits().
  template <typename T>
  T* take(std::uint64_t count) {
    const std::uint64_t begin = used_;
    used_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return memory_ != nullptr && used_ <= size_ ? reinterpret_cast<T*>(memory_ + begin) : nullptr;
  }
  std::uint64_t used_bytes() const { return used_; }
  // What one more array may take.
  std::uint64_t left_bytes() const { return used_ < size_ ? (size_ - used_) / kAlignment * kAlignment : 0; }
  bool fits() const { return used_ <= size_; }

 private:
  static constexpr std::uint64_t kAlignment = 256;
  std::byte* memory_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t used_ = 0;
};

// Throws DeviceError: a caller gave less than the op's workspace_bytes.
void check_workspace(const char* op, const Workspace& workspace, std::uint64_t given_bytes);

}  // namespace unfold::cuda
