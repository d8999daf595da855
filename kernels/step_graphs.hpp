// Steps of training as CUDA graphs, recorded once and launched again: one call of the runtime in place of one a kernel,
// and the device runs the kernels without the gaps between launches. What changes from step to step, kernels read from
// memory (unfold/step_variables.hpp).
#pragma once

#include <memory>
#include <vector>

#include "kernels/cuda_check.hpp"
#include "unfold/backend.hpp"

namespace unfold::cuda {

class StepGraphs final : public StepRecorder {
 public:
  // The stream outlives it.
  StepGraphs(int device, cudaStream_t stream) : device_(device), stream_(stream) {}
  ~StepGraphs() override;
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  // The first step of a key is run as it is, since it may load and prepare what no graph may record. What `ops` throws
  // is rethrown, with nothing launched of a step that was to be recorded, and the stream as it was.
  bool run(const StepKey& key, const std::function<void()>& ops) override;

 private:
  struct DestroyExecutable {
    void operator()(cudaGraphExec_t executable) const { cudaGraphExecDestroy(executable); }
  };
  using Executable = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyExecutable>;
  struct Step {
    StepKey key;
    Executable graph;  // null after the first
  };

  int device_;
  cudaStream_t stream_;
  std::vector<Step> steps_;  // the latest last
};

}  // namespace unfold::cuda
