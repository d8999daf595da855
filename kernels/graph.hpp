// A step's launches as one CUDA graph. The graph is recorded anew each step, since sizes, addresses and learning rate
// change from step to step, and the executable one is updated in place: that costs the host less than launching
// kernel by kernel, and the device runs them without the gaps between launches.
#pragma once

#include <functional>

#include "kernels/cuda_check.hpp"

namespace unfold::cuda {

class StepGraph {
 public:
  StepGraph() = default;
  ~StepGraph();
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  // Records what `launches` launches on `stream`, and launches the graph there. What `launches` throws is rethrown,
  // with nothing launched and the stream as it was.
  void run(cudaStream_t stream, const std::function<void()>& launches);

 private:
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace unfold::cuda
