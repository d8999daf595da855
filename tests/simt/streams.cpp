// Streams, events and graphs of the emulated device. Work is done when it is enqueued, except under capture: then it is
// recorded with its arguments, and done when the graph is launched.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using simt::fail;
using Clock = std::chrono::steady_clock;

struct EmulatedGraph {
  struct Node {
    std::string name;
    std::function<void()> work;
  };
  std::vector<Node> nodes;
};
struct EmulatedGraphExec {
  EmulatedGraph graph;
};
struct EmulatedStream {
  std::unique_ptr<EmulatedGraph> capture;
};
struct EmulatedEvent {
  bool keeps_time = false;
  std::optional<Clock::time_point> recorded;
};

namespace {

thread_local int n_captures = 0;  // of this thread

void run_or_record(cudaStream_t stream, const char* name, std::function<void()> work) {
  if (stream != nullptr && stream->capture) {
    stream->capture->nodes.push_back({name, std::move(work)});
  } else {
    work();
  }
}

}  // namespace

bool simt::captures() { return n_captures > 0; }

void simt::enqueue(cudaStream_t stream, const char* name, std::function<void()> work, std::uint64_t n_launches) {
  run_or_record(stream, name, [=, done = std::move(work)] {
    note_work(name, n_launches);
    done();
  });
}
void simt::enqueue_kernel(cudaStream_t stream, const char* launcher, std::function<void()> work) {
  note_call("cudaLaunchKernel");
  note_call("cudaGetLastError");  // launch_kernel asks for it
  run_or_record(stream, launcher, std::move(work));
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* lowest, int* highest) {
  simt::note_call(__func__);
  *lowest = 0;
  *highest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  simt::note_call(__func__);
  *stream = new EmulatedStream;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  simt::note_call(__func__);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  simt::note_call(__func__);
  return stream != nullptr && stream->capture ? fail(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) {
  simt::note_call(__func__);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  simt::note_call(__func__);
  *event = new EmulatedEvent{(flags & cudaEventDisableTiming) == 0, {}};
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  simt::note_call(__func__);
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  simt::note_call(__func__);
  if (stream != nullptr && stream->capture) return fail(cudaErrorStreamCaptureUnsupported);
  event->recorded = Clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t) {
  simt::note_call(__func__);
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
  simt::note_call(__func__);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  simt::note_call(__func__);
  for (const cudaEvent_t event : {start, end}) {
    if (!event->keeps_time || !event->recorded) return fail(cudaErrorInvalidResourceHandle);
  }
  *milliseconds = std::chrono::duration<float, std::milli>(*end->recorded - *start->recorded).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  simt::note_call(__func__);
  if (stream->capture) return fail(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_unique<EmulatedGraph>();
  ++n_captures;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  simt::note_call(__func__);
  if (!stream->capture) return fail(cudaErrorInvalidValue);
  *graph = stream->capture.release();
  --n_captures;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  simt::note_call(__func__);
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  simt::note_call(__func__);
  *executable = new EmulatedGraphExec{*graph};
  return cudaSuccess;
}
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph, cudaGraphExecUpdateResultInfo*) {
  simt::note_call(__func__);
  const auto same = [](const auto& a, const auto& b) { return a.name == b.name; };
  if (!std::ranges::equal(executable->graph.nodes, graph->nodes, same)) return fail(cudaErrorGraphExecUpdateFailure);
  executable->graph = *graph;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  simt::note_call(__func__);
  for (const EmulatedGraph::Node& node : executable->graph.nodes) run_or_record(stream, node.name.c_str(), node.work);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  simt::note_call(__func__);
  delete executable;
  return cudaSuccess;
}
