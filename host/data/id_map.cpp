#include "unfold/id_map.hpp"

#include <fmt/format.h>
#include <tsl/robin_set.h>
#include <xxhash.h>

#include <string>

#include "host/io/file.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kSetBucketBytes = 12;  // distance, 32 bits of the hash, row

}  // namespace

struct IdMap::State {
  // The bytes of all ids, one after the other.
  struct Arena {
    std::vector<char> bytes;
    std::vector<std::uint64_t> ends;  // where the id of each row ends

    std::string_view id(Row row) const {
      const std::uint64_t begin = row == 0 ? 0 : ends[row - 1];
      return {bytes.data() + begin, static_cast<std::size_t>(ends[row] - begin)};
    }
    void add(std::string_view text) {
      bytes.insert(bytes.end(), text.begin(), text.end());
      ends.push_back(bytes.size());
    }
  };

  // The set holds row numbers; their ids are compared where they lie.
  struct Hash {
    const Arena* arena;
    std::size_t operator()(std::string_view id) const { return XXH3_64bits(id.data(), id.size()); }
    std::size_t operator()(Row row) const { return (*this)(arena->id(row)); }
  };

  struct Equal {
    using is_transparent = void;
    const Arena* arena;
    bool operator()(Row a, Row b) const { return a == b; }
    bool operator()(Row row, std::string_view id) const { return arena->id(row) == id; }
    bool operator()(std::string_view id, Row row) const { return arena->id(row) == id; }
  };

  using RowSet = tsl::robin_set<Row, Hash, Equal, std::allocator<Row>, true>;

  Arena arena;
  RowSet rows{0, Hash{&arena}, Equal{&arena}};
  std::uint64_t max_size = kNoRow;
};

IdMap::IdMap() : state_(std::make_unique<State>()) {}
IdMap::IdMap(IdMap&&) noexcept = default;
IdMap& IdMap::operator=(IdMap&&) noexcept = default;
IdMap::~IdMap() = default;

IdMap IdMap::read(const std::filesystem::path& file) { return parse(MappedFile::open(file).text(), file); }

IdMap IdMap::parse(std::string_view text, const std::filesystem::path& file) {
  IdMap map;
  std::uint64_t line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++line;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view id = text.substr(begin, end - begin);
    if (id.empty()) {
      throw DataError(fmt::format("{}:{}: the id is empty; every line holds one", file.string(), line));
    }
    const Row row = map.find_or_add(id);
    if (row + std::uint64_t{1} != line) {
      throw DataError(fmt::format("{}:{}: the id \"{}\" is on line {} already; each id stands once", file.string(),
                                  line, id, row + std::uint64_t{1}));
    }
    begin = end + 1;
  }
  return map;
}

void IdMap::write(const std::filesystem::path& file) const {
  FileWriter writer = FileWriter::create(file);
  for (Row row = 0; row < size(); ++row) {
    const std::string_view text = id(row);
    if (text.empty() || text.find('\n') != std::string_view::npos) {
      throw DataError(fmt::format("{}:{}: an id that is empty or holds a line feed cannot be written", file.string(),
                                  row + std::uint64_t{1}));
    }
    writer.write(text);
    writer.put('\n');
  }
  writer.close();
}

std::uint32_t IdMap::size() const { return state_ ? static_cast<std::uint32_t>(state_->arena.ends.size()) : 0; }

std::string_view IdMap::id(Row row) const { return state_->arena.id(row); }

Row IdMap::find(std::string_view id) const {
  const auto found = state_->rows.find(id);
  return found == state_->rows.end() ? kNoRow : *found;
}

Row IdMap::find_or_add(std::string_view id) {
  if (const Row known = find(id); known != kNoRow) return known;
  if (size() >= state_->max_size) {
    throw DataError(fmt::format("\"{}\" is one id too many: at most {} distinct ids can be numbered; split the data",
                                id, state_->max_size));
  }
  const Row row = size();
  state_->arena.add(id);
  state_->rows.insert(row);
  return row;
}

IdMap IdMap::reordered(const std::vector<Row>& order) const {
  IdMap map;
  map.state_->max_size = state_->max_size;
  for (const Row row : order) map.find_or_add(id(row));
  return map;
}

std::uint64_t IdMap::max_size() const { return state_->max_size; }

void IdMap::set_max_size(std::uint64_t n) { state_->max_size = std::min<std::uint64_t>(n, kNoRow); }

std::uint64_t IdMap::memory_bytes() const {
  return state_->arena.bytes.capacity() + state_->arena.ends.capacity() * sizeof(std::uint64_t) +
         state_->rows.bucket_count() * kSetBucketBytes;
}

}  // namespace unfold
