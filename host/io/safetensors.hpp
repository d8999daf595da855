// Safetensors files: named arrays behind a JSON header (https://github.com/huggingface/safetensors). Written and
// read here with elements of type F32, U32 and U64.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "host/io/file.hpp"

namespace unfold {

// The format's name of an element type.
template <typename T>
constexpr std::string_view safetensors_type() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>);
  if constexpr (std::is_same_v<T, float>) return "F32";
  return sizeof(T) == 4 ? "U32" : "U64";
}

// An array to write. `data` is owned elsewhere and holds the product of `shape` elements.
struct TensorView {
  std::string name;
  std::string_view type;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> data;
};

template <typename T>
TensorView tensor_view(std::string name, std::span<const T> data, std::vector<std::uint64_t> shape) {
  return {std::move(name), safetensors_type<T>(), std::move(shape), std::as_bytes(data)};
}

// Creates the file (or empties it). Tensors of 8-byte elements come first, so that each is aligned.
void write_safetensors(const std::filesystem::path& file, std::vector<TensorView> tensors);

// A mapped file whose header has been checked: every tensor lies inside the file, is aligned and overlaps no other.
class SafetensorsFile {
 public:
  // Throw DataError naming the file, and the tensor that is wrong.
  static SafetensorsFile open(const std::filesystem::path& file) { return parse(MappedFile::open(file)); }
  static SafetensorsFile parse(MappedFile file);

  // In the order of their data.
  const std::vector<std::string>& names() const { return names_; }
  bool has_tensor(const std::string& name) const { return entries_.contains(name); }
  // Throws DataError for a tensor that is not there.
  std::span<const std::uint64_t> shape(const std::string& name) const { return entry(name).shape; }
  // The elements of a tensor of this type and shape. Throws DataError for any other. Valid as long as the file.
  template <typename T>
  std::span<const T> tensor(const std::string& name, std::span<const std::uint64_t> shape) const {
    const std::span<const std::byte> bytes = find(name, safetensors_type<T>(), shape);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  // The same for a tensor of one dimension and any length.
  template <typename T>
  std::span<const T> column(const std::string& name) const {
    const std::span<const std::byte> bytes = find_column(name, safetensors_type<T>());
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  struct Entry {
    std::string type;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // bytes, from the end of the header
  };
  const Entry& entry(const std::string& name) const;
  const Entry& entry(const std::string& name, std::string_view type) const;
  std::span<const std::byte> find(const std::string& name, std::string_view type,
                                  std::span<const std::uint64_t> shape) const;
  std::span<const std::byte> find_column(const std::string& name, std::string_view type) const;
  // Puts names_ in order too.
  void check_layout();

  MappedFile file_;
  std::uint64_t data_offset_ = 0;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> names_;
};

}  // namespace unfold
