#include "host/io/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "host/io/json.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they are in memory");

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit

// Bytes of an element, or 0 for a type that is not known here.
std::uint64_t element_bytes(std::string_view type) {
  if (type == "F32" || type == "U32") return 4;
  return type == "U64" ? 8 : 0;
}

// The bytes of a tensor, or false where that passes 64 bits.
bool tensor_bytes(std::string_view type, std::span<const std::uint64_t> shape, std::uint64_t& bytes) {
  bytes = element_bytes(type);
  return std::ranges::none_of(shape,
                              [&](std::uint64_t extent) { return __builtin_mul_overflow(bytes, extent, &bytes); });
}

// A list of numbers that are whole and not negative.
bool read_numbers(const Json& json, const char* key, std::vector<std::uint64_t>& numbers) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return false;
  for (const Json& number : *found) {
    if (!number.is_number_unsigned()) return false;
    numbers.push_back(number.get<std::uint64_t>());
  }
  return true;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, std::vector<TensorView> tensors) {
  std::ranges::stable_sort(
      tensors, [](const TensorView& a, const TensorView& b) { return element_bytes(a.type) > element_bytes(b.type); });
  Json header = Json::object();
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const std::uint64_t end = offset + tensor.data.size();
    header[tensor.name] = {{"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  FileWriter writer = FileWriter::create(file);
  writer.put(std::uint64_t{text.size()});
  writer.write(text);
  for (const TensorView& tensor : tensors) writer.write(tensor.data.data(), tensor.data.size());
  writer.close();
}

SafetensorsFile SafetensorsFile::parse(MappedFile mapped) {
  SafetensorsFile opened;
  opened.file_ = std::move(mapped);
  const MappedFile& file = opened.file_;
  std::uint64_t header_bytes = 0;
  if (file.bytes().size() < kLengthBytes) fail_in(file, "is not a safetensors file: it ends before its header");
  std::memcpy(&header_bytes, file.bytes().data(), kLengthBytes);
  if (header_bytes > std::min<std::uint64_t>(file.bytes().size() - kLengthBytes, kMaxHeaderBytes)) {
    fail_in(file, fmt::format("is truncated or no safetensors file: a header of {} bytes is announced, the file has {}",
                              header_bytes, file.bytes().size()));
  }
  opened.data_offset_ = kLengthBytes + header_bytes;
  const Json header = parse_json(file.text().substr(kLengthBytes, header_bytes),
                                 fmt::format("{}: is not a safetensors file: its header", file.name().string()));
  if (!header.is_object()) fail_in(file, "is not a safetensors file: its header is not a JSON object");
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    Entry entry;
    std::vector<std::uint64_t> range;
    const bool is_tensor = json.is_object() && json.contains("dtype") && json["dtype"].is_string() &&
                           read_numbers(json, "shape", entry.shape) && read_numbers(json, "data_offsets", range) &&
                           range.size() == 2;
    if (!is_tensor) fail_in(file, fmt::format("tensor \"{}\" lacks a valid dtype, shape or data_offsets", name));
    entry.type = json["dtype"].get<std::string>();
    entry.begin = range[0];
    entry.end = range[1];
    opened.entries_.insert_or_assign(name, std::move(entry));
    opened.names_.push_back(name);
  }
  opened.check_layout();
  return opened;
}

void SafetensorsFile::check_layout() {
  const std::uint64_t data_bytes = file_.bytes().size() - data_offset_;
  for (const std::string& name : names_) {
    const Entry& entry = entries_.at(name);
    std::uint64_t bytes = 0;
    if (element_bytes(entry.type) == 0) {
      fail_in(file_, fmt::format("tensor \"{}\" has type {}; F32, U32 and U64 are read", name, entry.type));
    }
    if (entry.begin > entry.end || entry.end > data_bytes) {
      fail_in(file_, fmt::format("tensor \"{}\" is at bytes {} to {} of the data, but the file has {}; it is truncated",
                                 name, entry.begin, entry.end, data_bytes));
    }
    if (!tensor_bytes(entry.type, entry.shape, bytes) || bytes != entry.end - entry.begin) {
      fail_in(file_, fmt::format("tensor \"{}\" of type {} and shape [{}] has {} bytes, which does not fit", name,
                                 entry.type, fmt::join(entry.shape, ", "), entry.end - entry.begin));
    }
    if ((data_offset_ + entry.begin) % element_bytes(entry.type) != 0) {
      fail_in(file_, fmt::format("tensor \"{}\" begins at byte {}, which is not aligned for type {}", name,
                                 data_offset_ + entry.begin, entry.type));
    }
  }
  std::ranges::stable_sort(names_, {}, [this](const std::string& name) {
    const Entry& entry = entries_.at(name);
    return std::pair(entry.begin, entry.end);
  });
  std::uint64_t end = 0;
  for (const std::string& name : names_) {
    const Entry& entry = entries_.at(name);
    if (entry.begin != end) {
      fail_in(file_, fmt::format("tensor \"{}\" begins at byte {} of the data, but the one before it ends at {}", name,
                                 entry.begin, end));
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    fail_in(file_, fmt::format("has {} bytes of data, but its tensors end at byte {}", data_bytes, end));
  }
}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail_in(file_, fmt::format("has no tensor \"{}\"", name));
  return found->second;
}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name, std::string_view type) const {
  const Entry& found = entry(name);
  if (found.type != type) fail_in(file_, fmt::format("tensor \"{}\" has type {}, not {}", name, found.type, type));
  return found;
}

std::span<const std::byte> SafetensorsFile::find(const std::string& name, std::string_view type,
                                                 std::span<const std::uint64_t> shape) const {
  const Entry& found = entry(name, type);
  if (!std::ranges::equal(found.shape, shape)) {
    fail_in(file_, fmt::format("tensor \"{}\" has shape [{}], not [{}]", name, fmt::join(found.shape, ", "),
                               fmt::join(shape, ", ")));
  }
  return file_.bytes().subspan(data_offset_ + found.begin, found.end - found.begin);
}

std::span<const std::byte> SafetensorsFile::find_column(const std::string& name, std::string_view type) const {
  const Entry& found = entry(name, type);
  if (found.shape.size() != 1) {
    fail_in(file_, fmt::format("tensor \"{}\" has {} dimensions, not 1", name, found.shape.size()));
  }
  return find(name, type, found.shape);
}

}  // namespace unfold
