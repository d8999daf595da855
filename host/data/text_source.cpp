#include "host/data/text_source.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string_view>

#include "host/data/binary_kind.hpp"
#include "unfold/error.hpp"

namespace unfold {

using std::string_view_literals::operator""sv;

class TextSource::Decoder {
 public:
  virtual ~Decoder() = default;
  virtual const char* name() const = 0;
  virtual std::size_t read(RawFile& raw, char* out, std::size_t capacity) = 0;

 protected:
  [[noreturn]] void fail_truncated(const RawFile& raw) const {
    throw DataError(
        fmt::format("{}: the {} data ends early: {} compressed bytes gave {} bytes of text and the rest "
                    "is missing; copy or download the file again",
                    raw.name(), name(), raw.bytes_read(), text_bytes_));
  }
  [[noreturn]] void fail_corrupt(const RawFile& raw, std::string_view reason) const {
    throw DataError(
        fmt::format("{}: the {} data is corrupt near byte {} ({}), after {} bytes of text; copy or "
                    "download the file again",
                    raw.name(), name(), raw.bytes_read() - raw.available().size(), reason, text_bytes_));
  }
  std::uint64_t text_bytes_ = 0;
};

namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b"sv;
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd"sv;

bool is_zstd(std::string_view head) {
  // A file may begin with a skippable frame, whose first byte is 0x50 to 0x5F.
  return head.starts_with(kZstdMagic) ||
         (head.size() >= 4 && head.substr(1, 3) == "\x2a\x4d\x18"sv && (head[0] & 0xF0) == 0x50);
}

class GzipDecoder final : public TextSource::Decoder {
 public:
  GzipDecoder() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  const char* name() const override { return "gzip"; }

  std::size_t read(RawFile& raw, char* out, std::size_t capacity) override {
    capacity = std::min<std::size_t>(capacity, std::numeric_limits<uInt>::max());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(capacity);
    while (stream_.avail_out == capacity) {
      if (!raw.fill()) {
        if (inside_member_) fail_truncated(raw);
        break;
      }
      if (!inside_member_ && !begin_member(raw)) continue;
      decode_available(raw);
    }
    const std::size_t bytes = capacity - stream_.avail_out;
    text_bytes_ += bytes;
    return bytes;
  }

 private:
  // True where another member begins. Zeros between and after members are padding (tapes, block devices).
  bool begin_member(RawFile& raw) {
    const std::string_view bytes = raw.available();
    const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
    raw.consume(zeros);
    if (zeros == bytes.size()) return false;
    if (inflateReset(&stream_) != Z_OK) fail_corrupt(raw, "the decoder does not restart");
    inside_member_ = true;
    return true;
  }

  void decode_available(RawFile& raw) {
    const std::string_view bytes = raw.available();
    // zlib's next_in is not const in its default build; inflate only reads from it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    raw.consume(bytes.size() - stream_.avail_in);
    if (result == Z_STREAM_END) {
      inside_member_ = false;
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail_corrupt(raw, stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
    }
  }

  z_stream stream_ = {};
  bool inside_member_ = false;
};

class ZstdDecoder final : public TextSource::Decoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDCtx()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(stream_); }
  const char* name() const override { return "zstd"; }

  std::size_t read(RawFile& raw, char* out, std::size_t capacity) override {
    ZSTD_outBuffer output = {out, capacity, 0};
    while (output.pos == 0) {
      if (!raw.fill()) {
        // What the decoder still holds comes out without further input.
        if (!inside_frame_) break;
        ZSTD_inBuffer none = {nullptr, 0, 0};
        decode(raw, output, none);
        if (output.pos == 0 && inside_frame_) fail_truncated(raw);
        continue;
      }
      ZSTD_inBuffer input = {raw.available().data(), raw.available().size(), 0};
      decode(raw, output, input);
      raw.consume(input.pos);
    }
    text_bytes_ += output.pos;
    return output.pos;
  }

 private:
  void decode(RawFile& raw, ZSTD_outBuffer& output, ZSTD_inBuffer& input) {
    const std::size_t result = ZSTD_decompressStream(stream_, &output, &input);
    if (ZSTD_isError(result)) fail_corrupt(raw, ZSTD_getErrorName(result));
    inside_frame_ = result != 0;
  }

  ZSTD_DCtx* stream_;
  bool inside_frame_ = false;
};

}  // namespace

TextSource::TextSource(const std::filesystem::path& path, const char* content) : raw_(path, content) {
  raw_.fill();
  const std::string_view head = raw_.available();
  refuse_binary(head, raw_.name());
  if (head.starts_with(kGzipMagic)) decoder_ = std::make_unique<GzipDecoder>();
  if (is_zstd(head)) decoder_ = std::make_unique<ZstdDecoder>();
}

TextSource::~TextSource() = default;

std::size_t TextSource::read(char* out, std::size_t capacity) {
  if (capacity == 0) return 0;
  return decoder_ == nullptr ? raw_.read(out, capacity) : decoder_->read(raw_, out, capacity);
}

const char* TextSource::compression() const { return decoder_ == nullptr ? "" : decoder_->name(); }

}  // namespace unfold
