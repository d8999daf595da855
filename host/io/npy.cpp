#include "host/io/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <limits>

#include "unfold/error.hpp"

namespace unfold {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they are in memory");

constexpr std::string_view kMagic = "\x93NUMPY";

// What follows "'key':" in the header, which is a Python dict of literals.
std::string_view value_of(const MappedFile& file, std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}'", key);
  const std::size_t at = header.find(quoted);
  const std::size_t colon = at == std::string_view::npos ? at : header.find(':', at + quoted.size());
  if (colon == std::string_view::npos) fail_in(file, fmt::format("the .npy header has no {}", quoted));
  const std::size_t value = header.find_first_not_of(' ', colon + 1);
  return value == std::string_view::npos ? std::string_view() : header.substr(value);
}

std::string parse_type(const MappedFile& file, std::string_view value) {
  const std::size_t end = value.starts_with('\'') ? value.find('\'', 1) : std::string_view::npos;
  if (end == std::string_view::npos) fail_in(file, "the .npy header's 'descr' is not the name of one type");
  return std::string(value.substr(1, end - 1));
}

std::vector<std::uint64_t> parse_shape(const MappedFile& file, std::string_view value) {
  const std::size_t end = value.starts_with('(') ? value.find(')') : std::string_view::npos;
  if (end == std::string_view::npos) fail_in(file, "the .npy header's 'shape' is not a tuple");
  std::vector<std::uint64_t> shape;
  const char* next = value.data() + 1;
  const char* const last = value.data() + end;
  while (next != last) {
    if (*next == ' ' || *next == ',') {
      ++next;
      continue;
    }
    const auto [after, error] = std::from_chars(next, last, shape.emplace_back());
    if (error != std::errc()) fail_in(file, "the .npy header's 'shape' has an extent that is not a number");
    next = after;
  }
  return shape;
}

// Product of the extents and the element size, or the largest number where that does not fit.
std::uint64_t array_bytes(std::span<const std::uint64_t> shape, std::uint64_t element_bytes) {
  std::uint64_t bytes = element_bytes;
  for (const std::uint64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::numeric_limits<std::uint64_t>::max();
  }
  return bytes;
}

}  // namespace

std::string npy_header(std::string_view type, std::span<const std::uint64_t> shape) {
  const std::string extents =
      shape.size() == 1 ? fmt::format("{},", shape[0]) : fmt::format("{}, {}", shape[0], shape[1]);
  std::string header(kMagic);
  header += {'\x01', '\x00'};
  const auto text_bytes = static_cast<unsigned>(kNpyHeaderBytes - header.size() - 2);
  header += {static_cast<char>(text_bytes), '\x00'};
  header += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, extents);
  header.resize(static_cast<std::size_t>(kNpyHeaderBytes) - 1, ' ');
  return header + '\n';
}

NpyHeader parse_npy_header(const MappedFile& file) {
  const std::string_view text = file.text();
  if (!text.starts_with(kMagic) || text.size() < 12) fail_in(file, "is not a .npy file");
  const auto byte = [&](std::size_t n) { return std::uint64_t{static_cast<unsigned char>(text[n])}; };
  const std::uint64_t version = byte(6);
  if (version < 1 || version > 3) fail_in(file, fmt::format(".npy format {} is not known; 1 to 3 are", version));
  const std::uint64_t begin = version == 1 ? 10 : 12;
  std::uint64_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > text.size() - begin) {
    fail_in(file,
            fmt::format("is truncated: the .npy header ends at byte {}, the file at {}", begin + length, text.size()));
  }
  const std::string_view header = text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(length));
  NpyHeader parsed;
  parsed.type = parse_type(file, value_of(file, header, "descr"));
  parsed.fortran_order = value_of(file, header, "fortran_order").starts_with("True");
  parsed.shape = parse_shape(file, value_of(file, header, "shape"));
  parsed.data_offset = begin + length;
  return parsed;
}

const std::byte* npy_data(const MappedFile& file, std::string_view type, std::uint64_t element_bytes, unsigned n_dims,
                          std::vector<std::uint64_t>& shape) {
  NpyHeader header = parse_npy_header(file);
  if (header.type != type) fail_in(file, fmt::format("holds elements of type '{}', not '{}'", header.type, type));
  if (header.shape.size() != n_dims) {
    fail_in(file, fmt::format("holds an array of {} dimensions, not {}", header.shape.size(), n_dims));
  }
  if (header.fortran_order && n_dims > 1) fail_in(file, "holds an array in Fortran order, not in C order");
  if (header.data_offset % element_bytes != 0) {
    fail_in(file, fmt::format("has data at byte {}, which is not aligned for its type", header.data_offset));
  }
  const std::uint64_t wanted = array_bytes(header.shape, element_bytes);
  const std::uint64_t found = file.bytes().size() - header.data_offset;
  if (wanted != found) {
    fail_in(file, fmt::format("{}: its header announces {} bytes of data and {} follow",
                              found < wanted ? "is truncated" : "is too long", wanted, found));
  }
  shape = std::move(header.shape);
  return file.bytes().data() + header.data_offset;
}

}  // namespace unfold
