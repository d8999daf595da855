#include "kernels/step_graphs.hpp"

#include <algorithm>

namespace unfold::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

Graph record(cudaStream_t stream, const std::function<void()>& launches) {
  cudaGraph_t graph = nullptr;
  // Of this thread alone: the reader thread goes on copying.
  UNFOLD_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  try {
    launches();
  } catch (...) {
    if (cudaStreamEndCapture(stream, &graph) == cudaSuccess && graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  UNFOLD_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
  return Graph(graph);
}

}  // namespace

StepGraphs::~StepGraphs() {
  cudaSetDevice(device_);
  cudaStreamSynchronize(stream_);  // nothing goes while it runs
}

bool StepGraphs::run(const StepKey& key, const std::function<void()>& ops) {
  // A ring has 32 slots at most, and an epoch two lengths of batches.
  constexpr std::size_t kMostGraphs = 128;
  UNFOLD_CUDA_CHECK(cudaSetDevice(device_));
  const auto step = std::ranges::find(steps_, key, &Step::key);
  if (step == steps_.end()) {
    ops();
    if (steps_.size() == kMostGraphs) {
      UNFOLD_CUDA_CHECK(cudaStreamSynchronize(stream_));
      steps_.erase(steps_.begin());
    }
    steps_.push_back({key, nullptr});
    return false;
  }
  const bool is_replay = step->graph != nullptr;
  if (!is_replay) {
    const Graph graph = record(stream_, ops);
    cudaGraphExec_t executable = nullptr;
    UNFOLD_CUDA_CHECK(cudaGraphInstantiate(&executable, graph.get(), 0));
    step->graph.reset(executable);
  }
  UNFOLD_CUDA_CHECK(cudaGraphLaunch(step->graph.get(), stream_));
  return is_replay;
}

}  // namespace unfold::cuda
