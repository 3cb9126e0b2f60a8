// A plain decoder in double precision, written from the published formulas: the oracle for a prefill's observer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "capture/model/config.h"
#include "core/base/ids.h"

namespace kvatlas::capture::test {

using Matrix = std::vector<std::vector<double>>;

struct NaiveLayer {
  std::vector<Matrix> query, key, value;  // [heads][N][d], after RoPE
  Matrix lse;                             // [query_heads][N]
};

// Every layer of a forward pass over `ids`; RoPE without scaling.
[[nodiscard]] std::vector<NaiveLayer> naiveForward(const std::filesystem::path& folder,
                                                   const std::vector<TokenId>& ids);

}  // namespace kvatlas::capture::test
