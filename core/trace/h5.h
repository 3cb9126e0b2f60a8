// RAII and errors over the HDF5 C API: every failure becomes a kvatlas::Error naming file and member. Independent of
// the trace format.
#pragma once

#include <hdf5.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.h"

namespace kvatlas::trace::h5 {

// Owns one HDF5 identifier of any kind.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : m_id(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : m_id(std::exchange(other.m_id, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      m_id = std::exchange(other.m_id, H5I_INVALID_HID);
    }
    return *this;
  }

  [[nodiscard]] hid_t get() const { return m_id; }
  [[nodiscard]] hid_t release() { return std::exchange(m_id, H5I_INVALID_HID); }
  void reset() {
    if (m_id >= 0) H5Idec_ref(m_id);
    m_id = H5I_INVALID_HID;
  }

 private:
  hid_t m_id = H5I_INVALID_HID;
};

// Stops HDF5 from printing its error stack on this thread.
void quiet();

// The deepest message of this thread's HDF5 error stack; "" if there is none.
[[nodiscard]] std::string lastMessage();

// Error "file: member: problem"; the member may be empty (the file itself).
[[noreturn]] void failAt(std::string_view file, std::string_view member, std::string_view problem);

// Returns a result; a negative one throws "file: member: cannot <verb> (<HDF5's message>)".
template <class Result>
Result check(Result result, std::string_view file, std::string_view member, std::string_view verb) {
  if (result < 0) {
    const std::string words = lastMessage();
    failAt(file, member,
           fmt::format("cannot {}{}{}{}", verb, words.empty() ? "" : " (", words, words.empty() ? "" : ")"));
  }
  return result;
}

}  // namespace kvatlas::trace::h5
