// The former place of core/base/utf8.h.
#pragma once

#include "core/base/utf8.h"

namespace kvatlas::text {
using namespace kvatlas;
}
