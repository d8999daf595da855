#include "unfold/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "unfold/error.hpp"

namespace unfold {
namespace {

std::uint64_t sum_bytes(const MemoryPlan& plan, bool on_device) {
  std::uint64_t sum = 0;
  for (const MemoryPlan::Entry& entry : plan.entries) {
    if (entry.on_device == on_device && !entry.is_mapped) sum += entry.bytes;
  }
  return sum;
}

void add(MemoryPlan& plan, MemoryPlan::Entry added) {
  if (added.bytes == 0) return;
  const auto same = std::ranges::find_if(plan.entries, [&](const MemoryPlan::Entry& entry) {
    return entry.name == added.name && entry.on_device == added.on_device && entry.is_mapped == added.is_mapped;
  });
  if (same == plan.entries.end()) {
    plan.entries.push_back(std::move(added));
  } else {
    same->bytes += added.bytes;
  }
}

void check_fits(const char* where, std::uint64_t needed, std::uint64_t free, const std::string& remedy) {
  if (needed <= free) return;
  throw DeviceError(fmt::format("not enough {} memory: {} ({} bytes) needed, {} ({} bytes) free; {}", where,
                                format_bytes(needed), needed, format_bytes(free), free, remedy));
}

}  // namespace

void MemoryPlan::add_host(std::string_view name, std::uint64_t bytes) { add(*this, {std::string(name), bytes, false}); }

void MemoryPlan::add_device(std::string_view name, std::uint64_t bytes) {
  add(*this, {std::string(name), bytes, true});
}

void MemoryPlan::add_mapped(std::string_view name, std::uint64_t bytes) {
  add(*this, {std::string(name), bytes, false, true});
}

std::uint64_t MemoryPlan::backend_bytes() const { return sum_bytes(*this, true); }

std::uint64_t MemoryPlan::device_bytes() const { return device_free == 0 ? 0 : backend_bytes(); }

std::uint64_t MemoryPlan::host_bytes() const {
  return sum_bytes(*this, false) + (device_free == 0 ? sum_bytes(*this, true) : 0);
}

std::string MemoryPlan::to_string() const {
  const bool has_device = device_free != 0;
  std::size_t width = std::string("device total").size();
  for (const Entry& entry : entries) width = std::max(width, entry.name.size());
  std::string text;
  for (const Entry& entry : entries) {
    const char* const where = entry.is_mapped ? "  mapped" : !has_device ? "" : entry.on_device ? "  device" : "  host";
    text += fmt::format("  {:<{}}  {:>9}{}\n", entry.name, width, format_bytes(entry.bytes), where);
  }
  if (has_device) {
    text += fmt::format("  {:<{}}  {:>9}  of {} free\n", "device total", width, format_bytes(device_bytes()),
                        format_bytes(device_free));
  }
  text += fmt::format("  {:<{}}  {:>9}  of {} free\n", has_device ? "host total" : "total", width,
                      format_bytes(host_bytes()), format_bytes(host_free));
  return text;
}

void MemoryPlan::check() const {
  check_fits("device", device_bytes(), device_free, remedy);
  check_fits("host", host_bytes(), host_free, remedy);
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // Three digits, and never "1024" of a unit: rounding up moves on to the next one.
  for (; value >= 1023.5 && unit + 1 < units.size(); ++unit) value /= 1024;
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

}  // namespace unfold
