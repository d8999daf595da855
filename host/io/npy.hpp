// NumPy's .npy files (format 1.0): little-endian arrays of one or two dimensions in C order. Data begins at byte
// 128, so a mapped file is aligned for any vector load.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "host/io/file.hpp"

namespace unfold {

inline constexpr std::uint64_t kNpyHeaderBytes = 128;

// NumPy's name of an element type.
template <typename T>
constexpr std::string_view npy_type() {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? "<f4" : "<f8";
  if constexpr (std::is_signed_v<T>) return sizeof(T) == 4 ? "<i4" : "<i8";
  return sizeof(T) == 4 ? "<u4" : "<u8";
}

// The kNpyHeaderBytes bytes before the data. `shape` has one or two extents.
std::string npy_header(std::string_view type, std::span<const std::uint64_t> shape);

struct NpyHeader {
  std::string type;  // "<f4"
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;  // bytes
};

// Reads the header of any .npy file (formats 1.0 to 3.0). Throws DataError naming the file.
NpyHeader parse_npy_header(const MappedFile& file);

// Checks type, dimensions and length, and returns where the data begins. n_dims is 1 or 2. A file holds its array
// and nothing else.
const std::byte* npy_data(const MappedFile& file, std::string_view type, std::uint64_t element_bytes, unsigned n_dims,
                          std::vector<std::uint64_t>& shape);

// The array of a one-dimensional file. Valid as long as `file`.
template <typename T>
std::span<const T> npy_column(const MappedFile& file) {
  std::vector<std::uint64_t> shape;
  const std::byte* data = npy_data(file, npy_type<T>(), sizeof(T), 1, shape);
  return {reinterpret_cast<const T*>(data), static_cast<std::size_t>(shape[0])};
}

// Writes a file of [shape[0]] or [shape[0], shape[1]] elements.
template <typename T>
void write_npy(const std::filesystem::path& file, std::span<const T> data, std::span<const std::uint64_t> shape) {
  FileWriter writer = FileWriter::create(file);
  writer.write(npy_header(npy_type<T>(), shape));
  writer.write(data.data(), data.size_bytes());
  writer.close();
}

}  // namespace unfold
