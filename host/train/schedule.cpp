#include "host/train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace unfold {
namespace {

// Cosine from `from` to `to` as x goes from 0 to 1.
double cosine(double from, double to, double x) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * x));
}

}  // namespace

ScheduleValue scheduled(const TrainOptions& o, double progress) {
  if (o.schedule == "exponential") {
    const double epoch = std::floor(progress * o.epochs);
    return {o.learning_rate * std::pow(o.learning_rate_decay, epoch), o.beta1};
  }
  if (o.schedule == "linear") return {o.learning_rate * (1 - progress), o.beta1};
  if (o.schedule == "cosine") return {cosine(o.learning_rate, 0, progress), o.beta1};
  if (o.schedule == "one-cycle") {
    // Smith and Topin, Super-Convergence, 2018, with fastai's cosines: the rate from 1/25 of the peak to the peak to
    // 1e-5 of it; momentum the other way, from beta1 + 0.05 to beta1 - 0.05 and back.
    const double high = std::min(0.99, o.beta1 + 0.05), low = std::max(0.0, o.beta1 - 0.05);
    if (progress < o.warmup) {
      const double x = progress / o.warmup;
      return {cosine(o.learning_rate / 25, o.learning_rate, x), cosine(high, low, x)};
    }
    const double x = (progress - o.warmup) / (1 - o.warmup);
    return {cosine(o.learning_rate, o.learning_rate * 1e-5, x), cosine(low, high, x)};
  }
  return {o.learning_rate, o.beta1};
}

}  // namespace unfold
