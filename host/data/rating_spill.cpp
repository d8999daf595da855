#include "host/data/rating_spill.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kMinChunkBytes = 1024;
constexpr std::uint64_t kMaxChunkBytes = std::uint64_t{1} << 30;  // beyond it the page cache does as well
constexpr std::size_t kFirstBytes = std::size_t{64} << 10;        // most data sets of tests are smaller
constexpr std::size_t kReadRecords = std::size_t{1} << 15;

}  // namespace

static_assert(offsetof(Rating, user) == 0 && offsetof(Rating, item) == 4 && offsetof(Rating, rating) == 8,
              "records are the first 12 bytes of a Rating");

RatingSpill::RatingSpill(std::uint64_t n_partitions, bool with_times, std::uint64_t memory_bytes,
                         std::filesystem::path directory)
    : record_bytes_(kRecordBytes + (with_times ? sizeof(std::int64_t) : 0)),
      chunk_bytes_(static_cast<std::size_t>(std::clamp(memory_bytes / n_partitions, kMinChunkBytes, kMaxChunkBytes)) /
                   record_bytes_ * record_bytes_),
      directory_(std::move(directory)),
      partitions_(static_cast<std::size_t>(n_partitions)) {}

std::uint64_t RatingSpill::size(std::uint64_t partition) const {
  const Partition& p = partitions_[partition];
  return (static_cast<std::uint64_t>(p.chunks.size()) * chunk_bytes_ + p.used) / record_bytes_;
}

void RatingSpill::make_room(Partition& partition) {
  if (partition.capacity < chunk_bytes_) {
    const std::size_t capacity = partition.capacity == 0 ? std::min(kFirstBytes, chunk_bytes_) : chunk_bytes_;
    // Left as it is, so that pages which are never written take no memory.
    std::unique_ptr<std::byte[]> buffer(new std::byte[capacity]);
    if (partition.used > 0) std::memcpy(buffer.get(), partition.buffer.get(), partition.used);
    partition.buffer = std::move(buffer);
    partition.capacity = capacity;
    return;
  }
  if (!writer_.has_value()) writer_.emplace(FileWriter::unnamed(directory_));
  partition.chunks.push_back(writer_->size());
  writer_->write(partition.buffer.get(), partition.used);
  partition.used = 0;
}

std::span<const std::byte> RatingSpill::read_back(std::uint64_t offset, std::uint64_t bytes) {
  if (writer_.has_value()) {
    file_ = writer_->release();
    writer_.reset();
  }
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kReadRecords * record_bytes_));
  if (read_buffer_ == nullptr) read_buffer_.reset(new std::byte[kReadRecords * record_bytes_]);
  for (std::size_t done = 0; done < wanted;) {
    const ssize_t got =
        ::pread(file_.get(), read_buffer_.get() + done, wanted - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw DataError(fmt::format("{}: cannot read back {} bytes of a temporary file: {}", directory_.string(), wanted,
                                  got == 0 ? "it is shorter than what was written" : errno_text(errno)));
    }
    done += static_cast<std::size_t>(got);
  }
  return {read_buffer_.get(), wanted};
}

void RatingSpill::drop(std::uint64_t partition) { partitions_[partition] = Partition(); }

}  // namespace unfold
