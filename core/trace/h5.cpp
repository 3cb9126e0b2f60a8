#include "core/trace/h5.h"

namespace kvatlas::trace::h5 {
namespace {

// Walking upward starts at the deepest frame, which names the root cause.
herr_t keepFirst(unsigned index, const H5E_error2_t* error, void* text) {
  if (index == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

}  // namespace

void quiet() {
  // Per thread in a thread-safe HDF5, else per process.
  static thread_local const bool done = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(done);
}

std::string lastMessage() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keepFirst, &text);
  return text;
}

void failAt(std::string_view file, std::string_view member, std::string_view problem) {
  if (member.empty()) fail("{}: {}", file, problem);
  fail("{}: {}: {}", file, member, problem);
}

}  // namespace kvatlas::trace::h5
