#include "tests/simt/fibre.hpp"

#include <boost/context/protected_fixedsize_stack.hpp>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {
namespace {

using boost::context::detail::transfer_t;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackBytes = 256 * 1024;  // instrumented frames are larger
void leave(void** fake_stack, const void* bottom, std::size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
void enter(void* fake_stack, const void** from_bottom, std::size_t* from_size) {
  __sanitizer_finish_switch_fiber(fake_stack, from_bottom, from_size);
}
#else
constexpr std::size_t kStackBytes = 64 * 1024;
void leave(void**, const void*, std::size_t) {}
void enter(void*, const void**, std::size_t*) {}
#endif

// With a page below that may not be touched, so that an overflow stops at once.
boost::context::protected_fixedsize_stack stack_source() {
  return boost::context::protected_fixedsize_stack(kStackBytes);
}

}  // namespace

Fibre::Fibre(void (*entry)(void*), void* argument)
    : entry_(entry), argument_(argument), stack_(stack_source().allocate()) {
  context_ = boost::context::detail::make_fcontext(stack_.sp, stack_.size, &Fibre::start);
  bottom_ = static_cast<const char*>(stack_.sp) - stack_.size;
  size_ = stack_.size;
}

Fibre::~Fibre() {
  if (stack_.sp != nullptr) stack_source().deallocate(stack_);
}

void Fibre::switch_to(Fibre& to) {
  target_ = &to;
  leave(&fake_stack_, to.bottom_, to.size_);
  arrive(boost::context::detail::jump_fcontext(to.context_, this));
}

void Fibre::start(transfer_t from) {
  Fibre& self = *static_cast<Fibre*>(from.data)->target_;
  self.arrive(from);
  self.entry_(self.argument_);
}

void Fibre::arrive(transfer_t from) {
  Fibre& other = *static_cast<Fibre*>(from.data);
  other.context_ = from.fctx;
  enter(fake_stack_, &other.bottom_, &other.size_);
}

}  // namespace simt
