#include "host/ops/row_filter.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/row_filter.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::size_t find_marked(const Row* rows, std::size_t n, const std::uint32_t* bits, int shift, Row* out) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::RebindToSigned<decltype(d)> di;
  static_assert(HWY_MAX_BYTES / sizeof(Row) <= RowFilter::kSlack);
  const auto one = hn::Set(d, 1u), low = hn::Set(d, 31u), hash = hn::Set(d, RowFilter::kHash);
  std::size_t count = 0, k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, rows + k);
    const auto bit = hn::ShiftRightSame(hn::Mul(row, hash), shift);
    const auto word = hn::GatherIndex(d, bits, hn::BitCast(di, hn::ShiftRight<5>(bit)));
    const auto is_marked = hn::Eq(hn::And(hn::Shr(word, hn::And(bit, low)), one), one);
    if (!hn::AllFalse(d, is_marked)) count += hn::CompressStore(row, is_marked, d, out + count);
  }
  for (; k < n; ++k) {
    const std::uint32_t bit = RowFilter::bit_of(rows[k], shift);
    out[count] = rows[k];
    count += bits[bit / 32] >> bit % 32 & 1;
  }
  return count;
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(find_marked);

RowFilter::RowFilter(std::span<const Row> rows, std::uint32_t* bits)
    : bits_(bits), shift_(32 - std::countr_zero(32 * n_words(rows.size()))) {
  std::fill_n(bits, n_words(rows.size()), 0u);
  for (const Row row : rows) {
    const std::uint32_t bit = bit_of(row, shift_);
    bits[bit / 32] |= 1u << bit % 32;
  }
}

std::size_t RowFilter::find(std::span<const Row> rows, Row* out) const {
  return HWY_DYNAMIC_DISPATCH(find_marked)(rows.data(), rows.size(), bits_, shift_, out);
}

}  // namespace unfold::cpu
#endif
