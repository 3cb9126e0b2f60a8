#include "core/trace/h5_types.h"

namespace kvatlas::trace::h5 {

hid_t fileType(schema::Type type) {
  switch (type) {
    case schema::Type::U8:
      return H5T_STD_U8LE;
    case schema::Type::U16:
      return H5T_STD_U16LE;
    case schema::Type::U32:
      return H5T_STD_U32LE;
    case schema::Type::U64:
      return H5T_STD_U64LE;
    case schema::Type::F32:
      break;
  }
  return H5T_IEEE_F32LE;
}

}  // namespace kvatlas::trace::h5
