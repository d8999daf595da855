// Says at the end of a run what was emulated and which cases had no device, and after a failure how to see it again.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>

#if defined(UNFOLD_WITH_EMULATOR)
#include "tests/simt/emulator.hpp"
#endif

namespace unfold::test {
namespace {

class RunReport : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo&) override { launches_before_ = n_launches(); }

  void OnTestEnd(const testing::TestInfo& test) override {
#if defined(UNFOLD_WITH_EMULATOR)
    if (test.result()->Failed() && n_launches() > launches_before_) {
      std::printf("simt: see the same order of threads again with UNFOLD_SIMT_SEED=%llu\n",
                  static_cast<unsigned long long>(simt::seed()));
    }
#endif
    if (!test.result()->Skipped() || std::string_view(test.name()).find("Cuda") == std::string_view::npos) return;
    ++n_cuda_skipped_;
    reason_ = test.result()->GetTestPartResult(0).message();
    reason_ = reason_.substr(0, reason_.find_last_not_of('\n') + 1);
  }

  void OnTestProgramEnd(const testing::UnitTest&) override {
#if defined(UNFOLD_WITH_EMULATOR)
    const simt::Report report = simt::report();
    if (report.n_launches > 0) {
      std::printf("simt: %zu kernels emulated, %llu launches, %llu threads\n", report.launches.size(),
                  static_cast<unsigned long long>(report.n_launches),
                  static_cast<unsigned long long>(report.n_threads));
    }
#endif
    if (n_cuda_skipped_ > 0) std::printf("Cuda: %d cases skipped: %s\n", n_cuda_skipped_, reason_.c_str());
  }

 private:
  static std::uint64_t n_launches() {
#if defined(UNFOLD_WITH_EMULATOR)
    return simt::report().n_launches;
#else
    return 0;
#endif
  }

  std::uint64_t launches_before_ = 0;
  int n_cuda_skipped_ = 0;
  std::string reason_;  // of the latest
};

[[maybe_unused]] const bool registered = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new RunReport);
  return true;
}();

}  // namespace
}  // namespace unfold::test
