// The HDF5 types of the number types in traces.
#pragma once

#include <cstdint>

#include "core/trace/h5.h"
#include "core/trace/schema.h"

namespace kvatlas::trace::h5 {

template <class T>
hid_t nativeType();
template <>
inline hid_t nativeType<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
inline hid_t nativeType<std::uint16_t>() {
  return H5T_NATIVE_UINT16;
}
template <>
inline hid_t nativeType<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
inline hid_t nativeType<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}
template <>
inline hid_t nativeType<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t nativeType<double>() {
  return H5T_NATIVE_DOUBLE;
}

[[nodiscard]] hid_t fileType(schema::Type type);  // little endian

}  // namespace kvatlas::trace::h5
